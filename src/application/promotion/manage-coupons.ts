/**
 * Coupons of a provider: one with a code of its own, or many with codes that nobody can guess; read, changed, called back. A
 * change answers once the coupon's object has it. Called by the coupon routes.
 */
import type { Caller } from '../../contracts/calls.ts';
import type { DataRegion } from '../../domain/ids.ts';
import { encodeIdChars, regionOf, regionOfId } from '../../domain/ids.ts';
import { normalCode, promotionName, type Coupon } from '../../domain/promotion/coupon.ts';
import { ok, type Result } from '../../domain/result.ts';
import {
  invalidField,
  isManager,
  notFound,
  seedOf,
  type Asker,
  type CatalogueDeps,
} from '../catalogue-deps.ts';
import { managedProvider } from '../manage-providers.ts';
import { encodeCursor, type Page } from '../page-cursor.ts';
import type { ObjectDirectory } from '../ports.ts';
import type { CouponPatch, CouponStore } from './coupon-ports.ts';

/** Characters of a generated code: 60 bits, read out in three groups. */
const CODE_LENGTH = 12;

export interface CouponDeps extends CatalogueDeps {
  readonly objects: Pick<ObjectDirectory, 'shard' | 'promotion'>;
  coupons(region: DataRegion): CouponStore;
}

/** What is to be made: one coupon by its code, or as many as `count` says with codes of their own. */
export interface CouponWish {
  readonly providerId: string;
  readonly code: string | null;
  readonly count: number | null;
  readonly terms: Pick<Coupon, 'discount'> & Required<Omit<CouponPatch, 'isActive'>>;
}

/**
 * Makes coupons; a repeat under the same key makes no others. Refusals: `not_found` for somebody else's provider,
 * `validation_failed` for another currency, another provider's service, or a code that was given before.
 */
export async function createCoupons(
  deps: CouponDeps,
  asker: Asker,
  wish: CouponWish,
): Promise<Result<Coupon[]>> {
  const found = await managedProvider(deps, asker.caller, wish.providerId);
  if (!found.ok) return found;
  const { record: provider } = found.value;
  const refusal = await termsRefusal(deps, provider, wish);
  if (refusal !== null) return refusal;
  const wanted = Array.from({ length: wish.count ?? 1 }, (_, index): Coupon => ({
    ...wish.terms,
    id: couponId(deps, asker, { region: provider.dataRegion, index }),
    providerId: provider.id,
    code: wish.code === null ? newCode(deps) : (normalCode(wish.code) ?? ''),
    isActive: true,
    createdAtMs: deps.clock.nowMs(),
    version: 1,
  }));
  const made = await deps.coupons(provider.dataRegion).insert(wanted);
  return made.length === wanted.length ? ok(made) : invalidField('/code', 'was given before');
}

/** A coupon with how often it is used now. Refusals: `not_found`. */
export async function readCoupon(
  deps: CouponDeps,
  caller: Caller,
  id: string,
): Promise<Result<{ readonly coupon: Coupon; readonly used: number }>> {
  const found = await managedCoupon(deps, caller, id);
  if (!found.ok) return found;
  const coupon = found.value;
  const { used } = await deps.objects.promotion(promotionName(coupon)).usage();
  return ok({ coupon, used });
}

/** A provider's coupons, oldest ids first. Refusals: `not_found`. */
export async function listCoupons(
  deps: CouponDeps,
  caller: Caller,
  query: { readonly providerId: string; readonly afterId: string; readonly limit: number },
): Promise<Result<Page<Coupon>>> {
  const found = await managedProvider(deps, caller, query.providerId);
  if (!found.ok) return found;
  const store = deps.coupons(found.value.record.dataRegion);
  const rows = await store.list({ ...query, limit: query.limit + 1 });
  const data = rows.slice(0, query.limit);
  const last = data.at(-1);
  const isEnd = rows.length <= query.limit || last === undefined;
  return ok({ data, nextCursor: isEnd ? null : encodeCursor([last.id]) });
}

/** Changes a coupon; uses that are held or booked stay. Refusals: `not_found`, `validation_failed`. */
export async function changeCoupon(
  deps: CouponDeps,
  caller: Caller,
  change: { readonly id: string; readonly patch: CouponPatch },
): Promise<Result<Coupon>> {
  const found = await managedCoupon(deps, caller, change.id);
  if (!found.ok) return found;
  const { validFromMs, validUntilMs, providerId } = { ...found.value, ...change.patch };
  if (validFromMs !== null && validUntilMs !== null && validUntilMs <= validFromMs)
    return invalidField('/validUntil', 'must be after validFrom');
  const foreign = await foreignService(deps, providerId, change.patch.serviceIds ?? []);
  if (foreign !== null) return foreign;
  const changed = await deps.coupons(regionOfId(change.id)).change(change.id, change.patch);
  if (changed === null) return notFound('coupon');
  await deps.objects.promotion(promotionName(changed)).putCoupon(changed);
  return ok(changed);
}

async function managedCoupon(
  deps: CouponDeps,
  caller: Caller,
  id: string,
): Promise<Result<Coupon>> {
  const parts = deps.ids.open('cpn', id);
  if (parts === null) return notFound('coupon');
  const region = regionOf(parts.locator);
  const coupon = await deps.coupons(region).byId(id);
  const { providers } = deps.catalogue(region);
  if (coupon === null || !(await isManager(providers, caller, coupon.providerId)))
    return notFound('coupon');
  return ok(coupon);
}

async function termsRefusal(
  deps: CouponDeps,
  provider: { readonly id: string; readonly currency: string },
  { terms }: CouponWish,
) {
  const { discount, serviceIds } = terms;
  if ('amount' in discount && discount.amount.currency !== provider.currency)
    return invalidField('/amountOff/currency', `must be the provider's, ${provider.currency}`);
  return foreignService(deps, provider.id, serviceIds ?? []);
}

/** Services are named by their shards, and a shard belongs to one provider. */
async function foreignService(deps: CouponDeps, providerId: string, serviceIds: readonly string[]) {
  const { providers } = deps.catalogue(regionOfId(providerId));
  const owners = new Map<string, string | null>();
  for (const [index, id] of serviceIds.entries()) {
    const shardKey = deps.ids.open('svc', id)?.locator ?? '';
    if (!owners.has(shardKey)) owners.set(shardKey, await providers.shardOwner(shardKey));
    if (owners.get(shardKey) !== providerId)
      return invalidField(`/serviceIds/${index}`, 'is not a service of this provider');
  }
  return null;
}

/** The same ids for the same caller and key. */
function couponId(
  { ids }: Pick<CouponDeps, 'ids'>,
  { caller, call }: Asker,
  at: { readonly region: DataRegion; readonly index: number },
): string {
  if (call === null) return ids.mintInRegion('cpn', at.region);
  return ids.deriveInRegion('cpn', at.region, `${seedOf(caller, call)} ${at.index}`);
}

function newCode({ entropy }: Pick<CouponDeps, 'entropy'>): string {
  const chars = encodeIdChars(entropy.bytes(CODE_LENGTH)).toUpperCase();
  return `${chars.slice(0, 4)}-${chars.slice(4, 8)}-${chars.slice(8)}`;
}
