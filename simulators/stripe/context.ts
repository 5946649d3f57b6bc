/**
 * What every Stripe operation works in: the world, the cause of the effect, and where the payer's
 * page is. Also the one place that reads and writes typed Stripe objects; must never do HTTP.
 */
import type { Cause, World } from '../world.ts';
import { accountInvalid, missingResource } from './errors.ts';
import type {
  AccountLinkObject,
  AccountObject,
  PayoutObject,
  TransferObject,
  TransferReversalObject,
} from './connect-shapes.ts';
import type {
  BalanceTransactionObject,
  ChargeObject,
  CustomerObject,
  DisputeObject,
  PaymentIntentObject,
  PaymentMethodObject,
  RefundObject,
  SetupIntentObject,
} from './shapes.ts';

/** The simulator's fixed API version; events carry it and answers echo it. */
export const API_VERSION = '2026-10-28.endive';

/** One operation's surroundings. `baseUrl` is the simulators' own address. */
export interface StripeContext {
  readonly world: World;
  readonly cause: Cause;
  readonly baseUrl: string;
  /** Whether the platform's endpoint is subscribed to an event type. */
  readonly isSubscribed: (type: string) => boolean;
}

/** Object types by the name in their `object` field. */
export interface StripeKinds {
  account: AccountObject;
  account_link: AccountLinkObject;
  balance_transaction: BalanceTransactionObject;
  charge: ChargeObject;
  customer: CustomerObject;
  dispute: DisputeObject;
  payment_intent: PaymentIntentObject;
  payment_method: PaymentMethodObject;
  payout: PayoutObject;
  refund: RefundObject;
  setup_intent: SetupIntentObject;
  transfer: TransferObject;
  transfer_reversal: TransferReversalObject;
}

/** Any object the simulator keeps. */
export type StripeObject = StripeKinds[keyof StripeKinds];

/** How Stripe writes a kind in "No such …". */
const SPOKEN: Readonly<Record<keyof StripeKinds, string>> = {
  account: 'account',
  account_link: 'account link',
  balance_transaction: 'balance transaction',
  charge: 'charge',
  customer: 'customer',
  dispute: 'dispute',
  payment_intent: 'payment_intent',
  payment_method: 'PaymentMethod',
  payout: 'payout',
  refund: 'refund',
  setup_intent: 'setupintent',
  transfer: 'transfer',
  transfer_reversal: 'transfer reversal',
};

/** What an object is filed under. */
export interface Filing {
  readonly customerId?: string | null;
  readonly parentId?: string | null;
  readonly secrets?: object;
}

/** The object, or null. */
export function find<K extends keyof StripeKinds>(
  ctx: StripeContext,
  kind: K,
  id: string,
): StripeKinds[K] | null {
  // The file holds what insert() and save() wrote under this kind, so the shape is known.
  return ctx.world.objects.find(kind, id) as unknown as StripeKinds[K] | null;
}

/** The object that the path addresses. Errors: `resource_missing`, 404; of an account `account_invalid`, 403. */
export function findAddressed<K extends keyof StripeKinds>(
  ctx: StripeContext,
  kind: K,
  id: string,
): StripeKinds[K] {
  const object = find(ctx, kind, id);
  if (object) return object;
  if (kind === 'account') throw accountInvalid(id);
  const param = kind === 'payment_intent' || kind === 'setup_intent' ? 'intent' : 'id';
  throw missingResource(SPOKEN[kind], id, { param, isAddressed: true });
}

/** The object that the parameter `kind` refers to. Errors: `resource_missing`, 400. */
export function findReferenced<K extends keyof StripeKinds>(
  ctx: StripeContext,
  kind: K,
  id: string,
): StripeKinds[K] {
  const object = find(ctx, kind, id);
  if (object) return object;
  throw missingResource(SPOKEN[kind], id, { param: kind, isAddressed: false });
}

/** The object that the simulator's own books say exists. */
export function findKnown<K extends keyof StripeKinds>(
  ctx: StripeContext,
  kind: K,
  id: string | null,
): StripeKinds[K] {
  const object = id === null ? null : find(ctx, kind, id);
  if (object) return object;
  throw new Error(`The books lack ${kind} ${String(id)}.`);
}

/** Adds a new object. */
export function insert(ctx: StripeContext, object: StripeObject, filing: Filing = {}): void {
  ctx.world.objects.insert({
    id: object.id,
    processor: 'stripe',
    kind: object.object,
    createdSeconds: object.created,
    customerId: filing.customerId ?? null,
    parentId: filing.parentId ?? null,
    body: object,
    secrets: filing.secrets ?? {},
  });
}

/** Writes a changed object back. */
export function save(ctx: StripeContext, object: StripeObject): void {
  ctx.world.objects.update(object.id, object);
}

/** A new identifier. */
export function newId(ctx: StripeContext, prefix: string): string {
  return ctx.world.store.newId(prefix);
}

/** Start clock in Unix seconds. */
export function now(ctx: StripeContext): number {
  return ctx.world.clock.nowSeconds();
}

/** The payer's page of an object. */
export function payerUrl(ctx: StripeContext, id: string): string {
  return `${ctx.baseUrl}/pay/stripe/${id}`;
}
