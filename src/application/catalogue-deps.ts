/**
 * What every use case of the catalogue shares: its dependencies, who asks, and how ids are made so that
 * a call repeated under its idempotency key names the same objects, however far the first try came.
 */
import type { CallKey, Caller } from '../contracts/calls.ts';
import type { DataRegion, RegionIdKind, ShardIdKind } from '../domain/ids.ts';
import type { CommissionTerms } from '../domain/inventory/cards.ts';
import { refuse, type Refusal } from '../domain/result.ts';
import type { CatalogueStores, ProviderStore } from './catalogue-ports.ts';
import type { Clock, Entropy, IdCodec, ObjectDirectory } from './ports.ts';

export interface CatalogueDeps {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly ids: IdCodec;
  readonly objects: Pick<ObjectDirectory, 'shard'>;
  /** The platform's shares of what is sold at a venue; throws where there is no such venue. */
  commissionTerms(venueId: string): Promise<CommissionTerms>;
  catalogue(region: DataRegion): CatalogueStores;
  /** Makes the user a provider; the token shows it at the next login or refresh. */
  grantProviderRole(userId: string): Promise<void>;
}

/** Who asks, and under which idempotency key. */
export interface Asker {
  readonly caller: Caller;
  readonly call: CallKey | null;
}

/** An id in a data region: the same one for the same caller and key. */
export function regionId(
  deps: Pick<CatalogueDeps, 'ids'>,
  asker: Asker,
  want: { readonly kind: RegionIdKind; readonly region: DataRegion },
): string {
  return asker.call === null
    ? deps.ids.mintInRegion(want.kind, want.region)
    : deps.ids.deriveInRegion(want.kind, want.region, seedOf(asker.caller, asker.call));
}

/** An id in a shard: the same one for the same caller and key. */
export function shardId(
  deps: Pick<CatalogueDeps, 'ids'>,
  asker: Asker,
  want: { readonly kind: ShardIdKind; readonly shardKey: string },
): string {
  return asker.call === null
    ? deps.ids.mintInShard(want.kind, want.shardKey)
    : deps.ids.deriveInShard(want.kind, want.shardKey, seedOf(asker.caller, asker.call));
}

/** What ids of a keyed call are derived from; the key is visible ASCII, so the space cannot be part of either. */
export function seedOf(caller: Caller, call: CallKey): string {
  return `${caller.id} ${call.key}`;
}

/** True for whoever may manage what a provider sells: its owners, its staff and operators. */
export async function isManager(
  providers: Pick<ProviderStore, 'isMember'>,
  caller: Caller,
  providerId: string,
): Promise<boolean> {
  return caller.roles.includes('operator') || (await providers.isMember(providerId, caller.id));
}

/** True for whoever decides of a provider's money and people, and of its end: its owners and operators. */
export async function isProprietor(
  providers: Pick<ProviderStore, 'isOwner'>,
  caller: Caller,
  providerId: string,
): Promise<boolean> {
  return caller.roles.includes('operator') || (await providers.isOwner(providerId, caller.id));
}

/** The answer for what does not exist and for what is somebody else's: the two must not be told apart. */
export function notFound(what: string): { readonly ok: false; readonly refusal: Refusal } {
  return refuse('not_found', `There is no such ${what}.`);
}

/** A refusal of one field of the body. */
export function invalidField(
  pointer: string,
  detail: string,
): { readonly ok: false; readonly refusal: Refusal } {
  return refuse('validation_failed', 'The request is not valid.', {
    errors: [{ pointer, detail }],
  });
}
