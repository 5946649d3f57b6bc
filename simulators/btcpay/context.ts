/**
 * What every BTCPay operation works in: the world, the cause of the effect, the store and where the payer's page
 * is. Also the one place that reads and writes typed objects; must never do HTTP.
 */
import { createHash } from 'node:crypto';
import type { Cause, World } from '../world.ts';
import { invoiceNotFound, payoutNotFound, pullPaymentNotFound } from './errors.ts';
import type { Invoice, Payment, Payout, PullPayment } from './shapes.ts';

/** The name this processor goes by in the books, the fault script and the request log. */
export const PROCESSOR = 'btcpay';

/** One operation's surroundings. `baseUrl` is the simulators' own address. */
export interface BtcpayContext {
  readonly world: World;
  readonly cause: Cause;
  readonly baseUrl: string;
  readonly storeId: string;
  /** How long one confirmation takes on the virtual clock. */
  readonly confirmationSeconds: number;
}

/** What is kept, by the kind it is filed under. */
export interface BtcpayKinds {
  btcpay_invoice: Invoice;
  btcpay_payment: Payment;
  btcpay_pull_payment: PullPayment;
  btcpay_payout: Payout;
}

/** More than anybody makes in one world: lists without a page end here. */
const LISTED_MAX = 100_000;

/** The object, or null. */
export function find<K extends keyof BtcpayKinds>(
  ctx: BtcpayContext,
  kind: K,
  id: string,
): BtcpayKinds[K] | null {
  // The file holds what insert() and save() wrote under this kind, so the shape is known.
  return ctx.world.objects.find(kind, id) as unknown as BtcpayKinds[K] | null;
}

/** The object that the simulator's own books say exists. */
export function findKnown<K extends keyof BtcpayKinds>(
  ctx: BtcpayContext,
  kind: K,
  id: string,
): BtcpayKinds[K] {
  const object = find(ctx, kind, id);
  if (object) return object;
  throw new Error(`The books lack ${kind} ${id}.`);
}

/** The invoice that the path addresses. Errors: 404 `invoice-not-found`. */
export function addressedInvoice(ctx: BtcpayContext, id: string): Invoice {
  const invoice = find(ctx, 'btcpay_invoice', id);
  if (invoice) return invoice;
  throw invoiceNotFound();
}

/** The pull payment that the path addresses. Errors: 404 `pullpayment-not-found`. */
export function addressedPullPayment(ctx: BtcpayContext, id: string): PullPayment {
  const pullPayment = find(ctx, 'btcpay_pull_payment', id);
  if (pullPayment) return pullPayment;
  throw pullPaymentNotFound();
}

/** The payout that the path addresses. Errors: 404 `payout-not-found`. */
export function addressedPayout(ctx: BtcpayContext, id: string): Payout {
  const payout = find(ctx, 'btcpay_payout', id);
  if (payout) return payout;
  throw payoutNotFound();
}

/** Adds a new object below its parent: an order for an invoice, an invoice for a payment. */
export function insert<K extends keyof BtcpayKinds>(
  ctx: BtcpayContext,
  kind: K,
  row: { readonly object: BtcpayKinds[K]; readonly parentId: string | null },
): void {
  ctx.world.objects.insert({
    id: row.object.id,
    processor: PROCESSOR,
    kind,
    createdSeconds: now(ctx),
    customerId: null,
    parentId: row.parentId,
    body: row.object,
    secrets: {},
  });
}

/** Writes a changed object back. */
export function save(ctx: BtcpayContext, object: BtcpayKinds[keyof BtcpayKinds]): void {
  ctx.world.objects.update(object.id, object);
}

/** Objects of one kind, newest first. */
export function list<K extends keyof BtcpayKinds>(
  ctx: BtcpayContext,
  kind: K,
  query: {
    readonly parentId?: string | undefined;
    readonly createdFrom?: number | undefined;
    readonly createdTo?: number | undefined;
    readonly limit?: number;
  } = {},
): BtcpayKinds[K][] {
  const { limit = LISTED_MAX, ...filters } = query;
  const rows = ctx.world.objects.list({ processor: PROCESSOR, kind, limit, ...filters });
  return rows.slice(0, limit) as unknown as BtcpayKinds[K][];
}

/** A new identifier, letters and digits only, as BTCPay's are. */
export function newId(ctx: BtcpayContext): string {
  return ctx.world.store.newId('').slice(1);
}

/** Something that looks like a hash and is always the same for the same text. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Start clock in Unix seconds. */
export function now(ctx: BtcpayContext): number {
  return ctx.world.clock.nowSeconds();
}

/** The page of an invoice or of a pull payment. */
export function pageUrl(ctx: BtcpayContext, id: string): string {
  return `${ctx.baseUrl}/pay/${PROCESSOR}/${id}`;
}
