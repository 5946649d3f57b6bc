/**
 * The ledger against the processors, payment by payment: what a processor says was captured and given back has to be what
 * was posted. A difference is looked at again from both sides before it is kept, because either may only be late; it is
 * counted once it has stood for a while, or at once in a run by hand. Called by the reconciliation alone.
 */
import { errorText } from '../domain/assert.ts';
import type { DataRegion } from '../domain/ids.ts';
import { processorAccount, SURPLUS_ACCOUNT, type LedgerEntry } from '../domain/ledger/entry.ts';
import { entryOfFee } from '../domain/ledger/subscription-money.ts';
import type { ProcessorPayment } from '../domain/payment/processor-reply.ts';
import { MINUTE_MS, type EpochMs } from '../domain/time.ts';
import type { MoneyStore, PaymentBooks, UnmatchedMoney } from './ledger-money-ports.ts';
import type { LedgerStore } from './ledger-ports.ts';
import type { Clock, ListedPayment, Logger, PaymentGateway, PaymentReference } from './ports.ts';

/** A difference that stands this long is none that is on its way. */
const COUNTED_AFTER_MS = 2 * MINUTE_MS;
/** Payments outside of the processor's list that one run asks for one by one. */
const SINGLE_LOOKS_MAX = 100;
/** Entries of the ledger that are read to find such payments. */
const ENTRIES_MAX = 1_000;
/** Differences that are kept in mind during a run; beyond it the age of one is counted anew. */
const KNOWN_MAX = 1_000;
/** Fees that one page asks for: the rest of them is asked for by the next run. */
const FEE_LOOKS_MAX = 20;

/** What the comparison needs. */
export interface ComparePorts {
  readonly clock: Clock;
  readonly log: Logger;
  /** The ledger of a region, to read and to post to. */
  readonly money: (region: DataRegion) => MoneyStore;
  readonly ledger: (region: DataRegion) => Pick<LedgerStore, 'post'>;
  /** Posts what the shard of a booking has to tell. */
  readonly advanceMoneyOf: (bookingId: string) => Promise<void>;
  /** Asks the processor for the payments of a booking: what differs may be news that no event told of. */
  readonly lookAtBooking: (bookingId: string) => Promise<void>;
  /** Whether a payment's reference is genuine, and where it lives; null for what is not ours. */
  readonly regionOf: (reference: PaymentReference) => DataRegion | null;
  /** Whether a shard or a subscription knows the payment. */
  readonly isKnown: (reference: PaymentReference, ref: string) => Promise<boolean>;
  /** Whether there is work left for a booking's money. */
  readonly isUnfinished: (bookingId: string) => Promise<boolean>;
}

/** One comparison of one processor; `compared` is filled by each page. */
export interface CompareRun {
  readonly gateway: PaymentGateway;
  readonly byHand: boolean;
  readonly compared: Set<string>;
}

/** What a run found. */
export interface CompareReport {
  /** Payments compared. */
  readonly compared: number;
  /** Payments that differ, whether they count yet or not. */
  readonly unmatched: number;
}

interface Candidate {
  readonly ref: string;
  /** Null where only the ledger names the payment. */
  readonly reference: PaymentReference | null;
  readonly bookingId: string | null;
  readonly subscriptionId: string | null;
}

interface Amounts {
  readonly capturedMinor: number;
  readonly refundedMinor: number;
  /** Null where it is not known, and nothing moved. */
  readonly currency: string | null;
}

interface Pass extends CompareRun {
  readonly region: DataRegion;
  readonly store: MoneyStore;
  readonly nowMs: EpochMs;
}

/** Compares a page of the processor's list. What carries no genuine reference of ours is not ours to judge. */
export async function compareListed(
  ports: ComparePorts,
  run: CompareRun,
  payments: readonly ListedPayment[],
): Promise<CompareReport> {
  let compared = 0;
  let differing = 0;
  for (const region of ['global', 'eu'] as const) {
    const own = payments.filter(
      ({ reference }) => reference !== null && ports.regionOf(reference) === region,
    );
    if (own.length === 0) continue;
    const store = ports.money(region);
    const pass: Pass = { ...run, region, store, nowMs: ports.clock.nowMs() };
    const refs = own.map(({ ref }) => ref);
    const books = byRef(await store.booksOf(run.gateway.processor, refs));
    const suspects = own.filter((payment) => !isEqual(books.get(payment.ref), movedOf(payment)));
    await postLateFees(ports, pass, { payments: own, books });
    differing += await settle(ports, pass, { refs, suspects: suspects.map(candidateOf) });
    compared += own.length;
    for (const ref of refs) run.compared.add(ref);
  }
  return { compared, unmatched: differing };
}

/**
 * Compares what the list did not have: payments that something was posted of since the instant, and those that differed
 * before. Each is asked for by itself.
 */
export async function compareOthers(
  ports: ComparePorts,
  run: CompareRun,
  sinceMs: EpochMs,
): Promise<CompareReport> {
  const { processor } = run.gateway;
  let compared = 0;
  let differing = 0;
  for (const region of ['global', 'eu'] as const) {
    const store = ports.money(region);
    const pass: Pass = { ...run, region, store, nowMs: ports.clock.nowMs() };
    const known = await store.unmatchedOf(processor, KNOWN_MAX);
    const touched = await store.touchedSince({ processor, sinceMs, limit: ENTRIES_MAX });
    const others = new Map(
      [...known, ...touched]
        .filter(({ ref }) => !run.compared.has(ref))
        .map(({ ref, bookingId, subscriptionId }) => [
          ref,
          { ref, reference: null, bookingId, subscriptionId },
        ]),
    );
    const suspects = [...others.values()].slice(0, SINGLE_LOOKS_MAX);
    const refs = suspects.map(({ ref }) => ref);
    differing += await settle(ports, pass, { refs, suspects });
    compared += refs.length;
  }
  return { compared, unmatched: differing };
}

/** Looks at the suspects from both sides, and keeps what still differs; gives how many payments that is. */
async function settle(
  ports: ComparePorts,
  pass: Pass,
  { refs, suspects }: { refs: readonly string[]; suspects: readonly Candidate[] },
): Promise<number> {
  const { processor } = pass.gateway;
  if (refs.length === 0) return 0;
  const unmatched: UnmatchedMoney[] = [];
  const unread = new Set<string>();
  const known = suspects.length === 0 ? [] : await pass.store.unmatchedOf(processor, KNOWN_MAX);
  for (const suspect of suspects) {
    const rows = await lookAt(ports, pass, suspect).catch((error: unknown) => {
      // One payment that cannot be read must not hide the others; what was known of it stays.
      ports.log.error('reconcile.compare_failed', { processor, reason: errorText(error) });
      return null;
    });
    if (rows === null) unread.add(suspect.ref);
    else unmatched.push(...rows.map((row) => counted(row, { pass, known })));
  }
  await pass.store.recordComparison({
    processor,
    refs: refs.filter((ref) => !unread.has(ref)),
    unmatched,
    nowMs: pass.nowMs,
  });
  return new Set(unmatched.map(({ ref }) => ref)).size;
}

/** A row that was given as uncounted is waiting for something; any other counts by hand, or with its age. */
function counted(
  row: UnmatchedMoney,
  {
    pass,
    known,
  }: { pass: Pass; known: readonly { ref: string; kind: string; firstSeenAtMs: EpochMs }[] },
): UnmatchedMoney {
  const before = known.find(({ ref, kind }) => ref === row.ref && kind === row.kind);
  const isOld = before !== undefined && pass.nowMs - before.firstSeenAtMs >= COUNTED_AFTER_MS;
  return { ...row, isCounted: row.isCounted && (pass.byHand || isOld) };
}

/** What differs of one payment now; null where the processor does not say. */
async function lookAt(
  ports: ComparePorts,
  pass: Pass,
  suspect: Candidate,
): Promise<UnmatchedMoney[] | null> {
  const { gateway, store } = pass;
  const { ref, bookingId, subscriptionId } = suspect;
  if (bookingId !== null) await ports.advanceMoneyOf(bookingId);
  const theirs = await readTheirs(gateway, ref);
  if (theirs === null) return null;
  const books = async () => byRef(await store.booksOf(gateway.processor, [ref])).get(ref);
  let ours = await books();
  if (bookingId !== null && !isEqual(ours, theirs)) {
    await ports.lookAtBooking(bookingId);
    await ports.advanceMoneyOf(bookingId);
    ours = await books();
  }
  if (
    ours === undefined &&
    theirs.payment !== null &&
    (await isReturnedOrphan(ports, suspect, theirs))
  ) {
    await ports.ledger(pass.region).post(entriesOfOrphan(suspect, pass, theirs.payment));
    ours = await books();
  }
  const currency = ours?.currency ?? theirs.payment?.currency;
  if (currency === undefined || isEqual(ours, theirs)) return [];
  // Money of another currency is none of what was posted.
  const matching = isSameCurrency(ours, theirs) ? theirs : NOTHING;
  const differences = [
    { kind: 'captured', ourMinor: ours?.capturedMinor ?? 0, theirMinor: matching.capturedMinor },
    { kind: 'refunded', ourMinor: ours?.refundedMinor ?? 0, theirMinor: matching.refundedMinor },
  ] as const;
  // A refund that the processor has taken on and not finished is posted when it is done.
  const isWaiting =
    bookingId !== null &&
    isEqual(ours, { ...theirs, refundedMinor: ours?.refundedMinor ?? 0 }) &&
    theirs.refundedMinor > (ours?.refundedMinor ?? 0) &&
    (await ports.isUnfinished(bookingId));
  const of = { processor: gateway.processor, ref, currency, bookingId, subscriptionId };
  return differences
    .filter(({ ourMinor, theirMinor }) => ourMinor !== theirMinor)
    .map((difference) => ({ ...of, ...difference, isCounted: !isWaiting }));
}

async function readTheirs(
  gateway: PaymentGateway,
  ref: string,
): Promise<(Amounts & { payment: ProcessorPayment | null }) | null> {
  const reply = await gateway.fetch(ref);
  if (reply.kind === 'missing') return { ...NOTHING, payment: null };
  if (reply.kind !== 'payment') return null;
  return { ...movedOf(reply.payment), payment: reply.payment };
}

/** Money that came for nobody and went back whole has no shard or subscription that could tell of it. */
async function isReturnedOrphan(
  ports: ComparePorts,
  { reference, ref }: Candidate,
  theirs: Amounts,
): Promise<boolean> {
  const isReturned = theirs.capturedMinor > 0 && theirs.capturedMinor === theirs.refundedMinor;
  return isReturned && reference !== null && !(await ports.isKnown(reference, ref));
}

function entriesOfOrphan(suspect: Candidate, pass: Pass, payment: ProcessorPayment): LedgerEntry[] {
  const { processor } = pass.gateway;
  const { ref, bookingId, subscriptionId } = suspect;
  return (['capture', 'refund'] as const).map((kind) => {
    const amountMinor = kind === 'capture' ? payment.capturedMinor : -payment.capturedMinor;
    return {
      id: `${kind}:orphan:${processor}:${ref}`,
      kind,
      currency: payment.currency,
      postings: [
        { account: processorAccount(processor), amountMinor },
        { account: SURPLUS_ACCOUNT, amountMinor: -amountMinor },
      ],
      processor,
      processorRef: ref,
      paymentRef: ref,
      bookingId,
      subscriptionId,
      providerId: null,
      payoutId: null,
      atMs: pass.nowMs,
      availableFromMs: pass.nowMs,
    };
  });
}

/** What a processor kept of a subscription's payment is often known only after it; bookings ask for theirs themselves. */
async function postLateFees(
  ports: ComparePorts,
  pass: Pass,
  { payments, books }: { payments: readonly ListedPayment[]; books: Map<string, PaymentBooks> },
): Promise<void> {
  const { gateway, nowMs } = pass;
  const without = payments.filter(({ ref }) => {
    const known = books.get(ref);
    return known !== undefined && known.capturedMinor > 0 && !known.hasFee;
  });
  const charges = without.flatMap(({ ref, reference }) =>
    reference !== null && 'chargeId' in reference ? [{ ref, ...reference }] : [],
  );
  for (const { ref, chargeId, subscriptionId } of charges.slice(0, FEE_LOOKS_MAX)) {
    const reply = await gateway.fetch(ref);
    if (reply.kind !== 'payment') continue;
    const { feeMinor, currency } = reply.payment;
    const { processor } = gateway;
    const fee = { id: chargeId, ref, subscriptionId, feeMinor, currency, processor };
    await ports.ledger(pass.region).post(entryOfFee(fee, nowMs));
  }
}

function candidateOf({ ref, reference }: ListedPayment): Candidate {
  return {
    ref,
    reference,
    bookingId: reference !== null && 'bookingId' in reference ? reference.bookingId : null,
    subscriptionId:
      reference !== null && 'subscriptionId' in reference ? reference.subscriptionId : null,
  };
}

function byRef(books: readonly PaymentBooks[]): Map<string, PaymentBooks> {
  return new Map(books.map((entry) => [entry.ref, entry]));
}

const NOTHING: Amounts = { capturedMinor: 0, refundedMinor: 0, currency: null };

/** A processor may call it a refund when reserved funds are let go: what never came cannot have gone back. */
function movedOf({ capturedMinor, refundedMinor, currency }: Amounts): Amounts {
  return { capturedMinor, refundedMinor: Math.min(refundedMinor, capturedMinor), currency };
}

function isEqual(ours: Amounts | undefined, theirs: Amounts): boolean {
  return (
    (ours?.capturedMinor ?? 0) === theirs.capturedMinor &&
    (ours?.refundedMinor ?? 0) === theirs.refundedMinor &&
    isSameCurrency(ours, theirs)
  );
}

function isSameCurrency(ours: Amounts | undefined, theirs: Amounts): boolean {
  const isSaid = ours !== undefined && theirs.currency !== null;
  return !isSaid || ours.currency === theirs.currency;
}
