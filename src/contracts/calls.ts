/**
 * Who calls and how a call is answered, wherever it is decided. Refusals are returned, never thrown: a thrown error loses
 * its class on its way between objects.
 */
import type { Refusal } from '../domain/result.ts';
import type { QuotaNotice } from './membership-rpc.ts';

/** guest: somebody without an account, and therefore without a plan. */
export type Role = 'customer' | 'provider' | 'operator' | 'guest';

/** Who calls: a signed-in person, with the roles of the access token. */
export interface Caller {
  readonly id: string;
  readonly roles: readonly Role[];
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
