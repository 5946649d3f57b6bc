/**
 * Subscriptions and their money in memory, under the rules that the database keeps: one version after the other, one live
 * subscription, one open invoice, numbers without a gap. A change is taken whole or not at all.
 * For tests on Node; the same suite of behaviours runs over it and over D1.
 */
import { isChargeOpen } from '../../src/domain/subscription/billing-step.ts';
import type {
  BillingAccount,
  BillingChange,
  BillingStore,
} from '../../src/application/billing-ports.ts';
import type { Clock } from '../../src/application/ports.ts';
import { invariant, required } from '../../src/domain/assert.ts';
import { GENESIS_HASH, type ChainLink } from '../../src/domain/chain.ts';
import type { DataRegion } from '../../src/domain/ids.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import { OPEN_CHARGE_STATES } from '../../src/domain/subscription/charge-machine.ts';
import { LIVE_SUBSCRIPTION_STATES } from '../../src/domain/subscription/subscription-machine.ts';
import type {
  Charge,
  CreditNote,
  Invoice,
  Notice,
  Subscription,
} from '../../src/domain/subscription/subscription.ts';
import {
  chargesInOrder,
  checkChange,
  invoicesInOrder,
} from '../../src/storage/d1/billing-change.ts';

/** A notice as it waits to be sent. */
export interface KeptNotice extends Notice {
  readonly createdAtMs: number;
}

/** Everything that is kept; a change works on a copy of it. */
interface Books {
  readonly subscriptions: Map<string, Subscription>;
  readonly pushed: Map<string, number>;
  readonly invoices: Map<string, Invoice>;
  readonly charges: Map<string, Charge>;
  readonly creditNotes: Map<string, CreditNote>;
  /** By member and processor. */
  readonly customers: Map<string, { userId: string; processor: Processor; ref: string }>;
  readonly eventIds: Set<string>;
  readonly eventStreams: Map<string, ChainLink[]>;
  readonly notices: KeptNotice[];
  nextInvoice: number;
  nextCreditNote: number;
}

/** What a paid invoice may still change. */
const PAID_MAY_CHANGE: ReadonlySet<string> = new Set(['number', 'refundedMinor']);

/** What a charge is from its first write on. */
const CHARGE_IDENTITY = [
  'subscriptionId',
  'invoiceId',
  'ofChargeId',
  'purpose',
  'processor',
  'amountMinor',
  'currency',
  'createdAtMs',
] as const satisfies readonly (keyof Charge)[];

export class MemoryBillingStore implements BillingStore {
  readonly #mark: string;
  readonly #clock: Clock;
  #books: Books = {
    subscriptions: new Map(),
    pushed: new Map(),
    invoices: new Map(),
    charges: new Map(),
    creditNotes: new Map(),
    customers: new Map(),
    eventIds: new Set(),
    eventStreams: new Map(),
    notices: [],
    nextInvoice: 1,
    nextCreditNote: 1,
  };

  constructor({ region, clock }: { region: DataRegion; clock: Clock }) {
    this.#mark = region === 'eu' ? 'HFE' : 'HF';
    this.#clock = clock;
  }

  /** The links of a subscription's chain. */
  trail(stream: string): readonly ChainLink[] {
    return this.#books.eventStreams.get(stream) ?? [];
  }

  get notices(): readonly KeptNotice[] {
    return this.#books.notices;
  }

  get subscriptions(): readonly Subscription[] {
    return [...this.#books.subscriptions.values()];
  }

  async load(subscriptionId: string): Promise<BillingAccount | null> {
    const { subscriptions, invoices, charges, customers } = this.#books;
    const subscription = subscriptions.get(subscriptionId);
    if (subscription === undefined) return null;
    const isOwn = (entry: { subscriptionId: string }) => entry.subscriptionId === subscriptionId;
    const known = [...customers.values()].filter(({ userId }) => userId === subscription.userId);
    return {
      subscription,
      openInvoice:
        [...invoices.values()].find((entry) => isOwn(entry) && entry.state === 'open') ?? null,
      charges: [...charges.values()]
        .filter((entry) => isOwn(entry) && OPEN_CHARGE_STATES.has(entry.state))
        .toSorted(oldestFirst),
      customers: Object.fromEntries(known.map(({ processor, ref }) => [processor, ref])),
    };
  }

  async insert(change: BillingChange): Promise<'done' | 'exists'> {
    checkChange(change);
    const { id, userId, planGroup, state } = change.subscription;
    const { subscriptions } = this.#books;
    const hasLive = this.#live(userId, planGroup) !== null;
    if (subscriptions.has(id) || (hasLive && LIVE_SUBSCRIPTION_STATES.has(state))) return 'exists';
    this.#write(change);
    return 'done';
  }

  async save(change: BillingChange): Promise<'done' | 'conflict'> {
    checkChange(change);
    const { id, version } = change.subscription;
    const before = required(this.#books.subscriptions.get(id), `${id} is there to be saved`);
    if (version !== before.version + 1) return 'conflict';
    this.#write(change);
    return 'done';
  }

  async liveOf(userId: string, group: string | null): Promise<Subscription | null> {
    return this.#live(userId, group);
  }

  #live(userId: string, group: string | null): Subscription | null {
    const live = this.subscriptions.filter(
      (entry) =>
        entry.userId === userId &&
        (group === null || entry.planGroup === group) &&
        LIVE_SUBSCRIPTION_STATES.has(entry.state),
    );
    return live.toSorted(oldestFirst)[0] ?? null;
  }

  async hadTrial(userId: string, group: string): Promise<boolean> {
    return this.subscriptions.some(
      (entry) =>
        entry.userId === userId &&
        entry.planGroup === group &&
        entry.trialEndMs !== null &&
        entry.state !== 'expired',
    );
  }

  async due(query: { nowMs: number; afterId: string; limit: number }): Promise<string[]> {
    return this.#pageOfIds(query, ({ dueAtMs }) => dueAtMs !== null && dueAtMs <= query.nowMs);
  }

  async olderThan(query: {
    planId: string;
    version: number;
    afterId: string;
    limit: number;
  }): Promise<string[]> {
    return this.#pageOfIds(
      query,
      ({ planId, planVersion, state }) =>
        planId === query.planId &&
        planVersion < query.version &&
        LIVE_SUBSCRIPTION_STATES.has(state),
    );
  }

  async invoice(id: string): Promise<Invoice | null> {
    return this.#books.invoices.get(id) ?? null;
  }

  async invoicesOf(query: {
    subscriptionId: string;
    before: { atMs: number; id: string } | null;
    limit: number;
  }): Promise<Invoice[]> {
    const { before } = query;
    return [...this.#books.invoices.values()]
      .filter((entry) => entry.subscriptionId === query.subscriptionId)
      .filter(
        (entry) =>
          before === null || oldestFirst(entry, { createdAtMs: before.atMs, id: before.id }) < 0,
      )
      .toSorted((a, b) => oldestFirst(b, a))
      .slice(0, query.limit);
  }

  async creditNotesOf(invoiceId: string): Promise<CreditNote[]> {
    const notes = [...this.#books.creditNotes.values()];
    return notes.filter((entry) => entry.invoiceId === invoiceId).toSorted(oldestFirst);
  }

  async chargesOf(invoiceId: string): Promise<Charge[]> {
    const charges = [...this.#books.charges.values()];
    return charges.filter((entry) => entry.invoiceId === invoiceId).toSorted(oldestFirst);
  }

  async underWay(query: { afterId: string; limit: number }): Promise<string[]> {
    const open = [...this.#books.charges.values()].filter((entry) => isChargeOpen(entry));
    const ids = new Set(open.map(({ subscriptionId }) => subscriptionId));
    return [...ids]
      .filter((id) => id > query.afterId)
      .toSorted()
      .slice(0, query.limit);
  }

  async reviews(query: {
    after: { atMs: number; id: string } | null;
    limit: number;
  }): Promise<Charge[]> {
    const { atMs, id } = query.after ?? { atMs: 0, id: '' };
    return [...this.#books.charges.values()]
      .filter(({ review }) => review !== null)
      .filter((one) => one.createdAtMs > atMs || (one.createdAtMs === atMs && one.id > id))
      .toSorted(oldestFirst)
      .slice(0, query.limit);
  }

  async refundsOf(subscriptionId: string): Promise<Charge[]> {
    const charges = [...this.#books.charges.values()];
    return charges
      .filter((entry) => entry.subscriptionId === subscriptionId && entry.purpose === 'refund')
      .toSorted(oldestFirst);
  }

  async paidAfter(subscriptionId: string, atMs: number): Promise<Invoice[]> {
    return [...this.#books.invoices.values()]
      .filter((entry) => entry.subscriptionId === subscriptionId && entry.state === 'paid')
      .filter(({ periodEndMs }) => periodEndMs > atMs)
      .toSorted((a, b) => oldestFirst(b, a));
  }

  async charge(id: string): Promise<Charge | null> {
    return this.#books.charges.get(id) ?? null;
  }

  async latestCharge(subscriptionId: string): Promise<Charge | null> {
    const charges = [...this.#books.charges.values()];
    const own = charges.filter(
      (entry) => entry.subscriptionId === subscriptionId && entry.purpose !== 'refund',
    );
    return own.toSorted(oldestFirst).at(-1) ?? null;
  }

  async markPushed(subscriptionId: string, version: number): Promise<void> {
    const { pushed } = this.#books;
    pushed.set(subscriptionId, Math.max(pushed.get(subscriptionId) ?? 0, version));
  }

  async unpushed(afterId: string, limit: number): Promise<string[]> {
    const { pushed } = this.#books;
    const isUnpushed = ({ id, entitlementVersion }: Subscription) =>
      (pushed.get(id) ?? 0) < entitlementVersion;
    return this.#pageOfIds({ afterId, limit }, isUnpushed);
  }

  #pageOfIds(
    { afterId, limit }: { afterId: string; limit: number },
    isWanted: (subscription: Subscription) => boolean,
  ): string[] {
    const ids = this.subscriptions.filter((entry) => isWanted(entry)).map(({ id }) => id);
    return ids
      .filter((id) => id > afterId)
      .toSorted()
      .slice(0, limit);
  }

  /** Takes the change over whole: what throws on the way has changed nothing. */
  #write(change: BillingChange): void {
    const books = copyOf(this.#books);
    putSubscription(books, change);
    putCustomer(books, change);
    for (const invoice of invoicesInOrder(change.invoices ?? [])) putInvoice(books, invoice);
    for (const charge of chargesInOrder(change.charges ?? [])) putCharge(books, charge);
    this.#number(books, change.invoices ?? []);
    for (const note of change.creditNotes ?? []) {
      addCreditNote(books, { ...note, number: `${this.#mark}-CN-${padded(books.nextCreditNote)}` });
      books.nextCreditNote += 1;
    }
    for (const event of change.events ?? []) addEvent(books, change.subscription.id, event);
    const createdAtMs = this.#clock.nowMs();
    for (const notice of change.notices ?? []) books.notices.push({ ...notice, createdAtMs });
    this.#books = books;
  }

  #number(books: Books, invoices: readonly Invoice[]): void {
    for (const { id } of invoices) {
      const invoice = required(books.invoices.get(id), 'an invoice just written is there');
      if (invoice.state !== 'paid' || invoice.number !== null) continue;
      books.invoices.set(id, { ...invoice, number: `${this.#mark}-${padded(books.nextInvoice)}` });
      books.nextInvoice += 1;
    }
  }
}

function putSubscription(books: Books, { subscription, events = [] }: BillingChange): void {
  const before = books.subscriptions.get(subscription.id);
  if (before !== undefined) {
    const isSame = before.userId === subscription.userId;
    const isForward = subscription.entitlementVersion >= before.entitlementVersion;
    invariant(isSame && isForward, 'subscription_immutable');
  }
  // The head of the chain moves only with the links that lead there.
  const { chainSeq, chainHash } = events.length > 0 || before === undefined ? subscription : before;
  books.subscriptions.set(subscription.id, { ...subscription, chainSeq, chainHash });
}

function putCustomer(books: Books, { subscription, customer }: BillingChange): void {
  if (customer === undefined) return;
  const { userId } = subscription;
  const isTaken = [...books.customers.values()].some(
    (entry) =>
      entry.processor === customer.processor &&
      entry.ref === customer.ref &&
      entry.userId !== userId,
  );
  invariant(!isTaken, 'one customer of a processor is one member');
  books.customers.set(`${userId} ${customer.processor}`, { userId, ...customer });
}

function putInvoice(books: Books, invoice: Invoice): void {
  const before = books.invoices.get(invoice.id);
  const others = [...books.invoices.values()].filter(
    ({ id, subscriptionId }) => id !== invoice.id && subscriptionId === invoice.subscriptionId,
  );
  const { refundedMinor, totalMinor, state } = invoice;
  invariant(totalMinor >= 0 && refundedMinor >= 0 && refundedMinor <= totalMinor, 'amounts');
  invariant((state === 'paid') === (invoice.paidAtMs !== null), 'paid at an instant');
  const isTwice = others.some(
    (entry) =>
      billsPeriod(invoice) && billsPeriod(entry) && entry.periodStartMs === invoice.periodStartMs,
  );
  invariant(!isTwice, 'a period is billed once');
  const hasOpen = others.some((entry) => entry.state === 'open');
  invariant(state !== 'open' || !hasOpen, 'one invoice is open');
  if (before?.state === 'paid') {
    const changed = Object.entries(invoice).filter(
      ([field, value]) =>
        !PAID_MAY_CHANGE.has(field) &&
        JSON.stringify(value) !== JSON.stringify(before[field as keyof Invoice]),
    );
    invariant(changed.length === 0, `invoice_immutable: ${changed.map(([field]) => field).join()}`);
    invariant(refundedMinor >= before.refundedMinor, 'invoice_immutable: refundedMinor');
  }
  books.invoices.set(invoice.id, { ...invoice, number: before?.number ?? null });
}

function putCharge(books: Books, charge: Charge): void {
  const before = books.charges.get(charge.id);
  const others = [...books.charges.values()].filter(({ id }) => id !== charge.id);
  invariant((charge.purpose === 'setup') === (charge.invoiceId === null), 'a setup has no invoice');
  invariant((charge.purpose === 'refund') === (charge.ofChargeId !== null), 'a refund is of one');
  const hasInvoice = charge.invoiceId === null || books.invoices.has(charge.invoiceId);
  invariant(hasInvoice, 'the invoice of a charge is there');
  if (before !== undefined) {
    const isSame = CHARGE_IDENTITY.every((field) => before[field] === charge[field]);
    const isKept = before.state !== 'succeeded' || charge.state === 'succeeded';
    invariant(isSame && isKept, 'charge_immutable');
  }
  const hasTry = others.some(
    (entry) => isTryUnderWay(entry) && entry.subscriptionId === charge.subscriptionId,
  );
  invariant(!isTryUnderWay(charge) || !hasTry, 'one payment or setup is under way');
  const isTaken = others.some(
    ({ processor, ref }) => ref !== null && ref === charge.ref && processor === charge.processor,
  );
  invariant(!isTaken, `one object of a processor belongs to one charge: ${charge.ref}`);
  if (before === undefined && charge.ofChargeId !== null) checkRefund(books, charge, others);
  books.charges.set(charge.id, charge);
}

function billsPeriod({ kind, state }: Invoice): boolean {
  return kind === 'period' && state !== 'void';
}

function isTryUnderWay({ purpose, state }: Charge): boolean {
  return purpose !== 'refund' && OPEN_CHARGE_STATES.has(state);
}

function checkRefund(books: Books, refund: Charge, others: readonly Charge[]): void {
  const payment = required(books.charges.get(refund.ofChargeId ?? ''), 'what a refund returns');
  const asked = others.filter(
    ({ ofChargeId, state }) => ofChargeId === payment.id && !isOver(state),
  );
  const askedMinor = asked.reduce((sum, { amountMinor }) => sum + amountMinor, refund.amountMinor);
  // One alone may exceed it: it returns what came in excess.
  const cameMinor = Math.max(payment.amountMinor, payment.capturedMinor ?? 0);
  const isWithin = asked.length === 0 || askedMinor <= cameMinor;
  invariant(isWithin, 'charge_refund_exceeds_payment');
}

function isOver(state: Charge['state']): boolean {
  return state === 'failed' || state === 'cancelled';
}

function addCreditNote(books: Books, note: CreditNote): void {
  const invoice = books.invoices.get(note.invoiceId);
  invariant(invoice?.state === 'paid' && !books.creditNotes.has(note.id), 'credit_note');
  const credited = [...books.creditNotes.values()]
    .filter(({ invoiceId }) => invoiceId === note.invoiceId)
    .reduce((sum, { amountMinor }) => sum + amountMinor, note.amountMinor);
  const isWithin = note.amountMinor > 0 && credited <= invoice.totalMinor;
  invariant(isWithin && note.currency === invoice.currency, 'credit_note_exceeds_invoice');
  books.creditNotes.set(note.id, note);
}

function addEvent(books: Books, stream: string, event: ChainLink): void {
  const chain = books.eventStreams.get(stream) ?? [];
  const isNext =
    event.seq === chain.length + 1 && event.previousHash === (chain.at(-1)?.hash ?? GENESIS_HASH);
  const isNew = !books.eventIds.has(event.id);
  invariant(isNext && isNew, 'audit_chain_conflict');
  books.eventIds.add(event.id);
  books.eventStreams.set(stream, [...chain, event]);
}

function copyOf(books: Books): Books {
  return {
    ...books,
    subscriptions: new Map(books.subscriptions),
    invoices: new Map(books.invoices),
    charges: new Map(books.charges),
    creditNotes: new Map(books.creditNotes),
    customers: new Map(books.customers),
    eventIds: new Set(books.eventIds),
    eventStreams: new Map(books.eventStreams),
    notices: [...books.notices],
  };
}

function padded(value: number): string {
  return String(value).padStart(6, '0');
}

function oldestFirst(
  a: { readonly createdAtMs: number; readonly id: string },
  b: { readonly createdAtMs: number; readonly id: string },
): number {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs - b.createdAtMs;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}
