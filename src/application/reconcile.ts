/**
 * Reconciliation: our record against the processors', both ways. Everything unfinished is looked at again through the
 * functions that move money; what a processor holds for us that neither a shard nor a subscription knows is given back;
 * what is left is compared with the ledger, payment by payment; events that were received and not handled are sent again.
 * Bounded, and alone: a second run meanwhile is told so.
 */
import type { InventoryShardRpc } from '../contracts/durable-rpc.ts';
import { errorText, required } from '../domain/assert.ts';
import { regionOfId, type DataRegion } from '../domain/ids.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, type EpochMs } from '../domain/time.ts';
import { advancePayment } from './advance-payment.ts';
import {
  compareListed,
  compareOthers,
  type ComparePorts,
  type CompareReport,
} from './ledger-compare.ts';
import type { Processor } from '../domain/payment/processor-reply.ts';
import type {
  ListedPayment,
  PaymentGateway,
  PaymentReference,
  SubscriptionReference,
} from './ports.ts';
import { handleWebhook, subjectOf, type WebhookPorts } from './receive-webhook.ts';
import { walkDisputes, type DisputePorts } from './reconcile-disputes.ts';

/** Bookings of one shard that one run looks at. */
const BOOKINGS_MAX = 200;
/** Pages of a processor's list that one run reads. */
const PAGES_MAX = 20;
/** How far back the processors' lists are read: longer than any outage that the cron may have had. */
const LIST_BACK_MS = DAY_MS;
/** Payments at the processor younger than this are left to their own request, unless a person asked for the run. */
const YOUNG_MS = 2 * MINUTE_MS;
const SHARDS_PER_PAGE = 100;
const EVENTS_MAX = 200;

/** What a run needs beside the parts of the webhook path. */
export interface ReconcilePorts
  extends WebhookPorts, DisputePorts, Pick<ComparePorts, 'money' | 'ledger'> {
  /** Posts what a shard has to tell the ledger. */
  readonly advanceMoney: (shardKey: string) => Promise<void>;
  readonly shardKeys: (region: DataRegion, afterKey: string) => Promise<string[]>;
  readonly pushEntitlements: () => Promise<number>;
  /** Looks at every subscription that is due for it, each by itself. */
  readonly advanceSubscriptions: (run: {
    readonly byHand: boolean;
  }) => Promise<{ readonly lookedAt: number; readonly failed: number }>;
  /**
   * Whether an object at the processor is a charge's own: the one it names, or, while it names none, one that its opening
   * may have made.
   */
  readonly knowsCharge: (
    charge: SubscriptionReference & { readonly ref: string },
  ) => Promise<boolean>;
  /** Puts an orphan that was given back on the record, under the subscription that it named. */
  readonly recordSubscriptionOrphan: (orphan: SubscriptionOrphan) => Promise<void>;
}

/** Money of a subscription that no charge knows, and what became of it; minor units, 0 where none had moved. */
export interface SubscriptionOrphan extends SubscriptionReference {
  readonly processor: Processor;
  readonly ref: string;
  readonly outcome: 'voided' | 'refunded';
  readonly amountMinor: number;
}

/** What a run found and did. */
export interface ReconcileReport {
  readonly shards: number;
  readonly shardsFailed: number;
  readonly bookingsLookedAt: number;
  readonly bookingsLeft: number;
  readonly subscriptionsLookedAt: number;
  readonly subscriptionsFailed: number;
  readonly eventsHandled: number;
  readonly eventsFailed: number;
  readonly orphansVoided: number;
  readonly orphansRefunded: number;
  readonly orphansLeft: number;
  /** Objections of payers that no event had told of. */
  readonly disputesFound: number;
  readonly listsFailed: number;
  readonly entitlementsPushed: number;
  readonly paymentsCompared: number;
  /** Payments on which the ledger and a processor differ, counted yet or not. */
  readonly paymentsUnmatched: number;
}

type Counters = { -readonly [counter in keyof ReconcileReport]: ReconcileReport[counter] };

/** Runs one pass. `byHand` ignores ages and back-off; leases of callers at work are respected either way. */
export async function reconcile(
  ports: ReconcilePorts,
  run: { byHand: boolean },
): Promise<ReconcileReport> {
  const counters: Counters = {
    shards: 0,
    shardsFailed: 0,
    bookingsLookedAt: 0,
    bookingsLeft: 0,
    subscriptionsLookedAt: 0,
    subscriptionsFailed: 0,
    eventsHandled: 0,
    eventsFailed: 0,
    orphansVoided: 0,
    orphansRefunded: 0,
    orphansLeft: 0,
    disputesFound: 0,
    listsFailed: 0,
    entitlementsPushed: 0,
    paymentsCompared: 0,
    paymentsUnmatched: 0,
  };
  for (const region of ['global', 'eu'] as const) {
    await sweepInbox(ports, { region, counters, byHand: run.byHand });
    for await (const shardKey of shardsOf(ports, region)) {
      await settleShard(ports, { shardKey, counters, byHand: run.byHand }).catch(
        (error: unknown) => {
          // One shard that cannot be settled must not keep the others waiting; a person has to look at it.
          counters.shardsFailed += 1;
          ports.log.error('reconcile.shard_failed', { shardKey, reason: errorText(error) });
        },
      );
    }
  }
  await settleSubscriptions(ports, { counters, byHand: run.byHand });
  for (const gateway of ports.gateways.all()) {
    await walkLists(ports, { gateway, counters, byHand: run.byHand }).catch((error: unknown) => {
      // One processor whose record cannot be worked through must not keep the others waiting.
      counters.listsFailed += 1;
      const { processor } = gateway;
      ports.log.error('reconcile.list_failed', { processor, reason: errorText(error) });
    });
  }
  counters.entitlementsPushed = await ports.pushEntitlements();
  return counters;
}

interface Pass {
  readonly counters: Counters;
  readonly byHand: boolean;
}

async function sweepInbox(
  ports: ReconcilePorts,
  pass: Pass & { region: DataRegion },
): Promise<void> {
  const untilMs = pass.byHand ? Number.MAX_SAFE_INTEGER : ports.clock.nowMs();
  for (const { id } of await ports.inbox(pass.region).due(untilMs, EVENTS_MAX)) {
    try {
      await handleWebhook(ports, id);
      pass.counters.eventsHandled += 1;
    } catch {
      pass.counters.eventsFailed += 1; // Recorded on the event itself; the other events go on.
    }
  }
}

async function* shardsOf(ports: ReconcilePorts, region: DataRegion): AsyncGenerator<string> {
  let after = '';
  for (;;) {
    const keys = await ports.shardKeys(region, after);
    yield* keys;
    const last = keys.at(-1);
    if (last === undefined || keys.length < SHARDS_PER_PAGE) return;
    after = last;
  }
}

async function settleShard(
  ports: ReconcilePorts,
  pass: Pass & { shardKey: string },
): Promise<void> {
  const shard = ports.objects.shard(pass.shardKey);
  pass.counters.shards += 1;
  await shard.wake();
  for (const bookingId of await shard.unfinishedBookings(pass.byHand, BOOKINGS_MAX)) {
    pass.counters.bookingsLookedAt += 1;
    const end = await advancePayment(
      { ...ports, shard },
      { bookingId, cause: 'reconciler', look: true },
    );
    if (end !== 'idle') pass.counters.bookingsLeft += 1;
  }
  await ports.advanceMoney(pass.shardKey);
}

async function settleSubscriptions(ports: ReconcilePorts, pass: Pass): Promise<void> {
  const { counters, byHand } = pass;
  try {
    const looks = await ports.advanceSubscriptions({ byHand });
    counters.subscriptionsLookedAt += looks.lookedAt;
    counters.subscriptionsFailed += looks.failed;
  } catch (error) {
    // What is held for nobody goes back all the same; a person has to look at why these could not be read.
    counters.subscriptionsFailed += 1;
    ports.log.error('reconcile.subscriptions_failed', { reason: errorText(error) });
  }
}

interface Orphan {
  readonly gateway: PaymentGateway;
  readonly payment: ListedPayment;
  readonly counters: Counters;
}

/** Disputes first: a payment that is objected to is compared as what it is by then. */
async function walkLists(
  ports: ReconcilePorts,
  pass: Pass & { gateway: PaymentGateway },
): Promise<void> {
  const { found, isCut } = await walkDisputes(ports, pass.gateway);
  pass.counters.disputesFound += found;
  if (isCut) pass.counters.listsFailed += 1;
  await walkList(ports, pass);
}

/** The processor's record against ours, page by page: first what nobody knows goes back, then both are compared. */
async function walkList(
  ports: ReconcilePorts,
  pass: Pass & { gateway: PaymentGateway },
): Promise<void> {
  const { gateway, counters, byHand } = pass;
  const sinceMs = ports.clock.nowMs() - LIST_BACK_MS;
  const comparing = comparePorts(ports);
  const run = { gateway, byHand, compared: new Set<string>() };
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const listed = await gateway.listSince({ sinceMs, cursor });
    if ('failed' in listed) {
      counters.listsFailed += 1;
      return;
    }
    await returnOrphans(ports, pass, listed.payments);
    addUp(counters, await compareListed(comparing, run, listed.payments));
    cursor = listed.next;
    if (cursor === null) break;
  }
  addUp(counters, await compareOthers(comparing, run, sinceMs));
}

function addUp(counters: Counters, { compared, unmatched }: CompareReport): void {
  counters.paymentsCompared += compared;
  counters.paymentsUnmatched += unmatched;
}

/** Money or a promise of money that nobody here knows is given back. */
async function returnOrphans(
  ports: ReconcilePorts,
  { gateway, counters, byHand }: Pass & { gateway: PaymentGateway },
  payments: readonly ListedPayment[],
): Promise<void> {
  const youngSinceMs = byHand ? Number.MAX_SAFE_INTEGER : ports.clock.nowMs() - YOUNG_MS;
  for (const payment of payments) {
    const isAlone = await isOrphan(ports, payment, youngSinceMs);
    if (isAlone) await returnOrphan(ports, { gateway, payment, counters });
  }
}

function comparePorts(ports: ReconcilePorts): ComparePorts {
  const shardKeyOf = (bookingId: string) => ports.ids.open('bkg', bookingId)?.locator ?? null;
  return {
    clock: ports.clock,
    log: ports.log,
    money: ports.money,
    ledger: ports.ledger,
    advanceMoneyOf: async (bookingId) => {
      const shardKey = shardKeyOf(bookingId);
      if (shardKey !== null) await ports.advanceMoney(shardKey);
    },
    lookAtBooking: async (bookingId) => {
      const shardKey = shardKeyOf(bookingId);
      if (shardKey === null) return;
      const shard = ports.objects.shard(shardKey);
      await advancePayment({ ...ports, shard }, { bookingId, cause: 'reconciler', look: true });
    },
    regionOf: (reference) => {
      if (!isGenuine(ports, reference)) return null;
      const id = 'bookingId' in reference ? reference.bookingId : reference.subscriptionId;
      return regionOfId(id);
    },
    isKnown: (reference, ref) => isKnown(ports, reference, ref),
    isUnfinished: async (bookingId) => {
      const shardKey = shardKeyOf(bookingId);
      if (shardKey === null) return false;
      const left = await ports.objects.shard(shardKey).unfinishedBookings(true, BOOKINGS_MAX);
      return left.includes(bookingId);
    },
  };
}

async function isOrphan(
  ports: ReconcilePorts,
  payment: ListedPayment,
  youngSinceMs: EpochMs,
): Promise<boolean> {
  const isOver = payment.state === 'ended' || payment.createdAtMs >= youngSinceMs;
  if (isOver || payment.reference === null) return false;
  // A reference that is not genuine is another deployment's, under another secret: not ours to touch.
  if (!isGenuine(ports, payment.reference)) return false;
  return !(await isKnown(ports, payment.reference, payment.ref));
}

function isGenuine({ ids }: ReconcilePorts, reference: PaymentReference): boolean {
  return subjectOf(ids, reference) !== null;
}

async function isKnown(
  ports: ReconcilePorts,
  reference: PaymentReference,
  ref: string,
): Promise<boolean> {
  if (!('bookingId' in reference)) return ports.knowsCharge({ ...reference, ref });
  return shardOf(ports, reference.bookingId).knowsPayment({ ...reference, ref });
}

function shardOf(ports: ReconcilePorts, bookingId: string): InventoryShardRpc {
  const booking = required(ports.ids.open('bkg', bookingId), 'only genuine ids get here');
  return ports.objects.shard(booking.locator);
}

async function returnOrphan(ports: ReconcilePorts, orphan: Orphan): Promise<void> {
  const { gateway, payment, counters } = orphan;
  const { ref } = payment;
  // A fault is stored under its key: each hour has its own, and all of an orphan can go back only once.
  const turn = Math.floor(ports.clock.nowMs() / HOUR_MS);
  const amountMinor = payment.capturedMinor - payment.refundedMinor;
  if (payment.state === 'captured') {
    if (amountMinor <= 0) return;
    const key = `orphan:${ref}:refund:${turn}`;
    const request = { key, ref, amountMinor, refundId: `orphan-${ref}` };
    const reply = await gateway.refund(request);
    if (reply.kind !== 'refund') return leave(ports, orphan, reply.kind);
    counters.orphansRefunded += 1;
    return recordOrphan(ports, orphan, { outcome: 'refunded', amountMinor });
  }
  const reply = await gateway.void({ key: `orphan:${ref}:void:${turn}`, ref });
  if (reply.kind !== 'payment' && reply.kind !== 'missing') return leave(ports, orphan, reply.kind);
  counters.orphansVoided += 1;
  return recordOrphan(ports, orphan, { outcome: 'voided', amountMinor: 0 });
}

/** The next run tries again; until then an operator can see it. */
function leave(ports: ReconcilePorts, { gateway, counters }: Orphan, reply: string): void {
  counters.orphansLeft += 1;
  ports.log.warn('reconcile.orphan_left', { processor: gateway.processor, reply });
}

async function recordOrphan(
  ports: ReconcilePorts,
  { gateway, payment }: Orphan,
  done: { outcome: 'voided' | 'refunded'; amountMinor: number },
): Promise<void> {
  const { reference, ref } = payment;
  if (reference === null) return;
  const { processor } = gateway;
  if ('bookingId' in reference) {
    const shard = shardOf(ports, reference.bookingId);
    return shard.recordOrphan({ ...reference, ...done, processor, ref });
  }
  return ports.recordSubscriptionOrphan({ ...reference, ...done, processor, ref });
}
