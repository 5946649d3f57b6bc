/**
 * Placing and reading holds. Synchronous: runs inside the shard's transaction, after the key was looked up.
 * Refusals are checked in the order of their precedence, those of the holder's plan among them; a refused hold leaves
 * nothing behind.
 */
import {
  identitiesOf,
  isOwnedBy,
  type Caller,
  type KeyedReply,
  type Reply,
} from '../contracts/calls.ts';
import type { ClaimRequest, HoldOrigin, PlaceHoldCommand } from '../contracts/durable-rpc.ts';
import type { HoldView } from '../contracts/http/booking.ts';
import { holdView } from '../contracts/http/views.ts';
import type { AccessVerdict, QuotaNotice } from '../contracts/membership-rpc.ts';
import type { CouponVerdict } from '../contracts/promotion-rpc.ts';
import {
  NO_ACCESS,
  accessRefusal,
  grantRefusal,
  guestsOf,
  holdTtlMs,
  limitRefusal,
  momentaryRefusal,
  quantityRefusal,
  refusalAfterClaim,
} from '../domain/hold/hold.ts';
import type { Hold, HoldAccess, HoldFacts, HoldItem } from '../domain/hold/hold.ts';
import { lengthRefusal } from '../domain/hold/held-length.ts';
import { priceHold } from '../domain/hold/pricing.ts';
import type { HoldPrice } from '../domain/hold/pricing.ts';
import { fareOf, pricedThing } from '../domain/hold/slot-price.ts';
import { sharesOf, totalUses } from '../domain/hold/quota.ts';
import type { HoldQuota, QuotaTerms } from '../domain/hold/quota.ts';
import { bookerOf, commissionFor } from '../domain/inventory/cards.ts';
import type { Claim } from '../domain/inventory/claim.ts';
import { ok, refuse } from '../domain/result.ts';
import type { Refusal, Result } from '../domain/result.ts';
import { slotUnavailable } from './alternatives.ts';
import { couponTermsOf, heldCoupon, unfitCoupon, unusableCoupon } from './hold-coupon.ts';
import { assignments, linesOf } from './hold-lines.ts';
import type { SlotLine } from './hold-lines.ts';
import { holdFacts } from './hold-facts.ts';
import { answerKeyed } from './keyed-calls.ts';
import { pledgeClosedRefusal, pledgeInputRefusal } from './pledges.ts';
import { openNotices } from './quota-outbox.ts';
import type { ShardState } from './shard-state.ts';
import {
  claimForCustomer,
  dropClaims,
  entriesOn,
  serveEntries,
} from './waitlist/claim-for-customer.ts';

/** Who wants what, with what Membership said; null where nobody asked it, which is like having no plan. */
export interface HoldWish {
  readonly caller: Caller;
  readonly access: AccessVerdict | null;
  /** What the coupon's object said; null where none was named. */
  readonly coupon: CouponVerdict | null;
  readonly claim: ClaimRequest;
  readonly holdBudget: number;
  /**
   * How the caller would pay, so that what cannot be paid is refused before anything is taken. later: it is only held.
   * none: no payment was named. pushes: its processor cannot reserve funds.
   */
  readonly means: 'later' | 'none' | 'pushes' | 'reserves';
  readonly origin?: HoldOrigin;
}

/** `POST /v1/holds`. */
export function placeHold(shard: ShardState, command: PlaceHoldCommand): KeyedReply<HoldView> {
  const keyed = { callerId: command.caller.id, call: command.call };
  let notices: readonly QuotaNotice[] = [];
  const reply = answerKeyed(shard, keyed, () => {
    const coupon = command.coupon ?? null;
    const placed = placeNewHold(shard, { ...command, coupon, means: 'later' });
    if (!placed.ok) return placed;
    notices = openNotices(shard, placed.value);
    return { ok: true, status: 201, value: holdView(placed.value) };
  });
  return reply.ok && notices.length > 0 ? { ...reply, notices } : reply;
}

/** Takes the slots and writes the hold, or refuses and leaves everything as it was. */
export function placeNewHold(shard: ShardState, wish: HoldWish): Result<Hold> {
  const access: HoldAccess = wish.access ?? NO_ACCESS;
  const reused = reuseRefusal(shard, [access.grant?.id, wish.coupon?.grant?.id]);
  if (reused !== null) return refused(reused);
  const found = linesOf(shard, wish.claim);
  if (found === null) {
    const refusal = limitRefusal(access);
    return refusal === null ? refuse('not_found', 'There is no such slot.') : refused(refusal);
  }
  const { lines, missing } = found;
  const quantity = wish.claim.quantity ?? wish.claim.units?.length ?? 1;
  const ownerIds = identitiesOf(wish.caller);
  const facts = holdFacts(shard, { ownerIds, access, quantity, lines });
  const early =
    accessRefusal(facts) ??
    inputRefusal(shard, lines, wish) ??
    pledgeInputRefusal(lines) ??
    quantityRefusal(facts);
  if (early !== null) return refused(early);
  const price = priceFor(facts, wish);
  const unfit = unfitCoupon(wish.coupon, price.couponMinor);
  if (unfit !== null) return refused(unfit);
  const unpaid = meansRefusal(
    { approval: approvalOf(lines) },
    { ...price.quote, means: wish.means },
  );
  if (unpaid !== null) return refused(unpaid);
  const { units, fareId } = wish.claim;
  const wanted = { slots: lines, quantity, units, fareId };
  const taken = claimForCustomer(shard, ownerIds, wanted);
  if (!taken.ok || missing.length > 0) {
    const conflicts = taken.ok ? [] : taken.conflicts;
    if (taken.ok) dropClaims(shard, taken.claims);
    const asked = { ...wanted, lines, conflicts, missing };
    return slotUnavailable(shard, { ...asked, ownerIds, access });
  }
  const late =
    refusalAfterClaim(facts) ??
    pledgeClosedRefusal(shard, lines) ??
    unusableCoupon(wish.coupon, shard.nowMs) ??
    momentaryRefusal(access) ??
    budgetRefusal(shard, wish) ??
    grantRefusal(facts);
  if (late !== null) {
    dropClaims(shard, taken.claims);
    return refused(late);
  }
  serveEntries(shard, entriesOn(shard, ownerIds, lines), `customer:${wish.caller.id}`);
  return ok(writeHold(shard, { wish, facts, lines, price, claims: taken.claims }));
}

/** `GET /v1/holds/{id}`: its owner's hold. */
export function readHold(shard: ShardState, caller: Caller, id: string): Reply<HoldView> {
  const hold = ownHold(shard, caller, id);
  return hold === null ? refuse('not_found', 'There is no such hold.') : ok(holdView(hold));
}

/** The hold if the caller asked for it; somebody else's does not exist for them, nor does what is only offered. */
export function ownHold(shard: ShardState, caller: Caller, id: string): Hold | null {
  const hold = shard.store.hold(id);
  const isOwn = hold !== null && hold.entryId === null && isOwnedBy(caller, hold.callerId);
  return isOwn ? hold : null;
}

/** Each line of a hold as it was assigned, priced and promised. */
function holdItems(
  lines: readonly SlotLine[],
  agreed: { price: HoldPrice; claims: readonly Claim[]; wish: HoldWish },
): HoldItem[] {
  const { caller, access } = agreed.wish;
  const booker = bookerOf(caller.roles, access?.planId ?? null);
  const assigned = assignments(lines, agreed.claims);
  return lines.map(({ slot, service }, index) => ({
    slotId: slot.id,
    serviceId: service.id,
    label: service.name,
    startAtMs: slot.startAtMs,
    endAtMs: slot.endAtMs,
    fareId: fareOf(slot, agreed.wish.claim.fareId)?.id ?? null,
    priceMinor: agreed.price.slots[index]?.priceMinor ?? 0,
    taxMinor: agreed.price.slots[index]?.taxMinor ?? 0,
    tax: service.tax,
    awaitsQuote: service.priceType === 'custom',
    policy: service.cancellationPolicy,
    noShowFeeMinor: service.noShowFee?.amount ?? null,
    commissionBps: commissionFor(service, booker),
    cancelled: null,
    resourceIds: assigned[index]?.resourceIds ?? [],
    units: assigned[index]?.units ?? [],
  }));
}

/** Money that is due now cannot be had this way; null where it can, or nothing is due yet. */
export function meansRefusal(
  { approval }: Pick<Hold, 'approval'>,
  { totalMinor, means }: { totalMinor: number; means: HoldWish['means'] },
): Refusal | null {
  if (totalMinor === 0 || approval === 'quote') return null;
  if (means === 'none') return refuse('payment_required', 'Money is due: name a payment.').refusal;
  if (approval === 'none' || means !== 'pushes') return null;
  const detail = 'The booking has to be approved, and this processor cannot reserve its funds.';
  return refuse('processor_not_supported', detail).refusal;
}

/** One slot that has to be approved makes the whole hold wait; a price that is still to be named comes before a yes. */
function approvalOf(lines: readonly SlotLine[]): Hold['approval'] {
  if (lines.some(({ service }) => service.priceType === 'custom')) return 'quote';
  if (lines.some(({ service }) => service.pledge !== null)) return 'pledge';
  return lines.some(({ service }) => service.requiresApproval) ? 'decision' : 'none';
}

function writeHold(
  shard: ShardState,
  parts: {
    wish: HoldWish;
    facts: HoldFacts;
    lines: readonly SlotLine[];
    price: HoldPrice;
    claims: readonly Claim[];
  },
): Hold {
  const ttlMs = holdTtlMs(parts.lines);
  const { grant } = parts.facts.access;
  const quota = grant === null ? null : quotaOf(grant, parts);
  const hold: Hold = {
    id: shard.ports.ids.mintInShard('hld', shard.shardKey),
    state: 'active',
    callerId: parts.wish.caller.id,
    ...(parts.wish.origin === undefined ? {} : { originKey: parts.wish.origin.key }),
    entryId: null,
    quantity: parts.facts.quantity,
    units: parts.wish.claim.units,
    fareId: parts.wish.claim.fareId,
    items: holdItems(parts.lines, parts),
    quote: parts.price.quote,
    ttlMs,
    createdAtMs: shard.nowMs,
    expiresAtMs: shard.nowMs + ttlMs,
    isExtended: false,
    bookingId: null,
    approval: approvalOf(parts.lines),
    isOver: false,
    quota,
    coupon: heldCoupon(parts.wish.coupon),
  };
  shard.openHold(hold, parts.claims);
  if (grant !== null && quota !== null && takesLess(grant, quota)) shard.notice(quota);
  shard.record({
    entityId: hold.id,
    parentId: null,
    type: 'hold.active',
    from: null,
    to: 'active',
    actor: `customer:${hold.callerId}`,
    metadata: {
      slotIds: parts.lines.map(({ slot }) => slot.id),
      quantity: hold.quantity,
      expiresAtMs: hold.expiresAtMs,
    },
  });
  return hold;
}

function priceFor({ access, quantity, lines }: HoldFacts, wish: HoldWish): HoldPrice {
  const { claim, coupon } = wish;
  const things = lines.map((line) => pricedThing(line, claim.fareId));
  return priceHold(things, quantity, {
    discountBps: access.benefits?.discountBps ?? 0,
    included: access.grant?.uses.included ?? 0,
    overage: access.grant?.uses.overage ?? 0,
    overagePrice: access.grant?.overagePrice ?? null,
    coupon: couponTermsOf(coupon),
  });
}

/** What the hold really takes of its grant. */
function quotaOf(
  grant: QuotaTerms,
  { facts, lines, price }: { facts: HoldFacts; lines: readonly SlotLine[]; price: HoldPrice },
): HoldQuota {
  const slots = lines.map(({ slot, service }, index) => ({
    startAtMs: slot.startAtMs,
    endAtMs: slot.endAtMs,
    isIncluded: price.slots[index]?.isIncluded ?? false,
    isOverage: price.slots[index]?.isOverage ?? false,
    guests: grant.countsGuests ? guestsOf(service, facts.quantity) : 0,
  }));
  const shares = sharesOf(grant.uses, slots);
  return { grantId: grant.id, memberId: grant.memberId, state: 'held', shares };
}

/** The rest of the grant is free at once for the member's next hold, which may be priced by it. */
function takesLess({ uses }: QuotaTerms, { shares }: HoldQuota): boolean {
  const { included, guestPasses } = totalUses(shares);
  return included < uses.included || guestPasses < uses.guestPasses;
}

/** What only the shard can see of the input: what does not exist, does not add up, or is not sold for so long. */
function inputRefusal(shard: ShardState, lines: readonly SlotLine[], wish: HoldWish) {
  const currencies = new Set(
    lines.map(({ slot, service }) => (slot.price ?? service.price).currency),
  );
  if (currencies.size > 1) {
    return refuse('validation_failed', 'One hold has one currency.', {
      errors: [{ pointer: '/slotIds', detail: 'the slots are sold in several currencies' }],
    }).refusal;
  }
  return fareRefusal(lines, wish) ?? lengthRefusal(lines) ?? unitRefusal(shard, lines, wish);
}

/** Where a slot has fares, one of them is named. */
function fareRefusal(lines: readonly SlotLine[], { claim: { fareId } }: HoldWish) {
  const withFares = lines.filter(({ slot }) => slot.fares !== null);
  const isFit = withFares.every(({ slot }) => fareOf(slot, fareId) !== null);
  if (isFit && (fareId === null || withFares.length > 0)) return null;
  const detail = fareId === null ? 'the slot is sold by fares' : `there is no fare ${fareId}`;
  return refuse('validation_failed', 'Name a fare of the slot.', {
    errors: [{ pointer: '/fareId', detail }],
  }).refusal;
}

function unitRefusal(shard: ShardState, lines: readonly SlotLine[], wish: HoldWish) {
  if (wish.claim.units === null) return null;
  const known = new Set(
    lines.flatMap(({ slot, service }) =>
      (slot.resourceId === null ? service.resourceIds : [slot.resourceId]).flatMap(
        (id) => shard.inventory.resource(id)?.units ?? [],
      ),
    ),
  );
  const unknown = wish.claim.units.filter((unit) => !known.has(unit));
  if (unknown.length === 0) return null;
  return refuse('validation_failed', 'There is no such unit.', {
    errors: unknown.map((unit) => ({ pointer: '/units', detail: `there is no unit ${unit}` })),
  }).refusal;
}

/**
 * A grant stands for one hold, whatever its giver believes: a second one would take what nobody counts. Looked at first,
 * because any other refusal gives the grant back, and with it what the first hold took.
 */
function reuseRefusal(
  shard: ShardState,
  grantIds: readonly (string | undefined)[],
): Refusal | null {
  const isUsed = grantIds.some((grantId) => {
    const holds = grantId === undefined ? [] : shard.store.holdsOfGrant(grantId);
    return holds.some((hold) =>
      [hold.quota, hold.coupon].some(
        (granted) => granted?.grantId === grantId && granted?.state !== 'returned',
      ),
    );
  });
  if (!isUsed) return null;
  return refuse('idempotency_key_reused', 'The key was used for another request.').refusal;
}

function refused(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}

/** A guest costs nothing to become, so that guests are counted by where they come from, too. */
function budgetRefusal(shard: ShardState, { caller, holdBudget, origin }: HoldWish) {
  const own = sumOver(caller, (ownerId) => shard.liveHoldsOf(ownerId));
  if (own >= holdBudget) return budgetReached(holdBudget);
  if (origin === undefined || shard.liveHoldsFrom(origin.key) < origin.budget) return null;
  return budgetReached(origin.budget);
}

function budgetReached(limit: number) {
  return refuse('hold_limit_reached', `At most ${limit} holds at a time.`, {
    limit,
    retryAfterSeconds: 10,
  }).refusal;
}

/** A count over everything that the caller is known as. */
function sumOver(caller: Caller, count: (ownerId: string) => number): number {
  return identitiesOf(caller).reduce((sum, ownerId) => sum + count(ownerId), 0);
}
