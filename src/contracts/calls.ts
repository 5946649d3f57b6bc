/**
 * Who calls and how a call is answered, wherever it is decided. Refusals are returned, never thrown: a thrown error loses
 * its class on its way between objects.
 */
import type { Refusal } from '../domain/result.ts';
import type { QuotaNotice } from './membership-rpc.ts';

/** guest: somebody without an account, and therefore without a plan. */
export type Role = 'customer' | 'provider' | 'operator' | 'guest';

/** Who calls: a person with an account, in the roles of the access token, or a guest. */
export interface Caller {
  readonly id: string;
  readonly roles: readonly Role[];
  /** The guest that this person was before they registered: what the guest booked is theirs. */
  readonly guestId?: string | undefined;
}

/** Every id under which things belong to the caller. */
export function identitiesOf(caller: Caller): readonly string[] {
  return caller.guestId === undefined ? [caller.id] : [caller.id, caller.guestId];
}

/** Does something that belongs to this person or guest belong to the caller? */
export function isOwnedBy(caller: Caller, ownerId: string): boolean {
  return identitiesOf(caller).includes(ownerId);
}

/** A guest has no account, and may do no more than book. */
export function isGuest(caller: Caller): boolean {
  return caller.roles.includes('guest');
}

/** The idempotency key of a call and the hash of what was asked (method, path, canonical JSON, caller). */
export interface CallKey {
  readonly key: string;
  readonly fingerprint: string;
}

/** The answer of a keyed call: what goes on the wire, and whether it is the first answer given again. */
export type KeyedReply<T> =
  | {
      readonly ok: true;
      readonly status: number;
      readonly value: T;
      readonly replayed: boolean;
      /** Quota that the call gave back: its member learns it before the caller is answered. */
      readonly notices?: readonly QuotaNotice[];
    }
  | {
      readonly ok: false;
      readonly refusal: Refusal;
      readonly replayed: boolean;
    };

/** The answer of a read or of a call without a key. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };
