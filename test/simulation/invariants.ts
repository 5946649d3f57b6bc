/** What must be true after every step, read from the shard's rows and the processors' books alone. */
import { expect } from 'vitest';
import type { MoneyFact } from '../../src/contracts/shard-streams.ts';
import { BOOKING_MACHINE } from '../../src/domain/booking/booking-machine.ts';
import { CHAIN_START, verifyChain } from '../../src/domain/chain.ts';
import { HOLD_MACHINE } from '../../src/domain/hold/hold-machine.ts';
import { step, type Machine } from '../../src/domain/machine.ts';
import { PAYMENT_MACHINE } from '../../src/domain/payment/payment-machine.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { totalUses, type QuotaUses } from '../../src/domain/hold/quota.ts';
import type { FakeProcessor, ProcessorObject } from '../support/fake-processor.ts';
import type { NodeMember, NodeMembers } from '../support/node-members.ts';
import type { NodeShard } from '../support/node-shard.ts';

interface ClaimRow {
  readonly hold_id: string;
  readonly hold_state: string;
  readonly slot_id: string;
  readonly slot_capacity: number | null;
  readonly slot_quantity: number;
  readonly resource_id: string;
  readonly capacity: number;
  readonly unit: string;
  readonly quantity: number;
  readonly start_at_ms: number;
  readonly end_at_ms: number;
}

const LIVE_CLAIMS = `
  SELECT claim.*, hold.state AS hold_state, resource.capacity, slot.capacity AS slot_capacity FROM claim
  JOIN hold ON hold.id = claim.hold_id JOIN resource ON resource.id = claim.resource_id
  JOIN slot ON slot.id = claim.slot_id WHERE claim.is_live = 1`;

/** No two live claims conflict, whatever memory believes: counted pair by pair and moment by moment. */
export function checkClaims(shard: NodeShard): void {
  const claims = shard.sql.rows(LIVE_CLAIMS) as unknown as ClaimRow[];
  for (const claim of claims) {
    if (!['active', 'closing', 'committed'].includes(claim.hold_state))
      throw new Error(`a live claim of a hold that is ${claim.hold_state}`);
    const beside = claims.filter((other) => isBeside(claim, other));
    const level = beside
      .filter((other) => other.start_at_ms <= claim.start_at_ms)
      .reduce((total, { quantity }) => total + quantity, 0);
    const most = claim.unit === '' ? claim.capacity : 1;
    if (level > most) throw new Error(`double booking: ${JSON.stringify(beside)}`);
    const inSlot = claims
      .filter((other) => other.slot_id === claim.slot_id)
      .reduce((total, { slot_quantity: quantity }) => total + quantity, 0);
    if (claim.slot_capacity !== null && inSlot > claim.slot_capacity)
      throw new Error(`${inSlot} in a slot for ${claim.slot_capacity}`);
  }
}

function isBeside(claim: ClaimRow, other: ClaimRow): boolean {
  return (
    other.resource_id === claim.resource_id &&
    other.unit === claim.unit &&
    other.start_at_ms < claim.end_at_ms &&
    claim.start_at_ms < other.end_at_ms
  );
}

/** One booking per hold, one active payment per booking, every live hold has its claims, money within its bounds. */
export function checkRows(shard: NodeShard): void {
  const bad = shard.sql.rows(`
    SELECT 'two bookings of a hold' AS wrong, hold_id AS id FROM booking GROUP BY hold_id HAVING count(*) > 1
    UNION ALL SELECT 'two active payments', booking_id FROM payment
      WHERE state IN ('created', 'action_required', 'pending', 'authorized', 'capturing')
      GROUP BY booking_id HAVING count(*) > 1
    UNION ALL SELECT 'a live hold without claims', id FROM hold WHERE state IN ('active', 'closing', 'committed')
      AND NOT EXISTS (SELECT 1 FROM claim WHERE hold_id = hold.id AND is_live = 1)
    UNION ALL SELECT 'a live booking without a committed hold', booking.id FROM booking
      JOIN hold ON hold.id = booking.hold_id
      WHERE booking.state IN ('confirming', 'confirmed') AND hold.state <> 'committed'
    UNION ALL SELECT 'a committed hold without a live booking', hold.id FROM hold
      WHERE hold.state = 'committed' AND NOT EXISTS (SELECT 1 FROM booking
        WHERE hold_id = hold.id AND (state IN ('confirming', 'confirmed')
          OR state = 'awaiting_approval' AND json_extract(body, '$.approval.kind') = 'pledge'))
    UNION ALL SELECT 'confirmed without its money', booking.id FROM booking WHERE state = 'confirmed'
      AND json_extract(body, '$.quote.totalMinor') > 0 AND NOT EXISTS (SELECT 1 FROM payment
        WHERE booking_id = booking.id AND state IN ('captured', 'refunded') AND earned_minor >= amount_minor)
    UNION ALL SELECT 'refunds above the capture', payment.id FROM payment WHERE captured_minor - lost_minor <
      (SELECT coalesce(sum(amount_minor), 0) FROM refund WHERE payment_id = payment.id AND state <> 'failed')`);
  expect(bad).toEqual([]);
}

/** Money at the processors: cards are captured only for a locked slot, and nothing goes back that never came. */
export function checkProcessors(shard: NodeShard, processors: readonly FakeProcessor[]): void {
  const locked = new Set(
    shard.sql
      .rows("SELECT entity_id FROM chain_event WHERE type = 'booking.confirming'")
      .map((row) => row['entity_id']),
  );
  for (const { capabilities, objects } of processors) {
    for (const { capturedMinor, refundedMinor, metadata } of objects.values()) {
      if (refundedMinor > capturedMinor) throw new Error('more went back than ever came');
      if (!capabilities.authorizesFirst || capturedMinor === 0) continue;
      if (!locked.has(metadata['booking_id']))
        throw new Error(`captured before its slot was locked: ${metadata['booking_id']}`);
    }
  }
}

/** The chain is dense and verifies, and every transition in it is one that its table allows, from where it stood. */
export function checkChain(shard: NodeShard): void {
  let chain = CHAIN_START;
  const stands = new Map<string, string>();
  const tables: Record<string, Machine<string, string>> = {
    hld_: HOLD_MACHINE,
    bkg_: BOOKING_MACHINE,
    pay_: PAYMENT_MACHINE,
  };
  for (const event of shard.store.events(0, 1_000_000)) {
    chain = verifyChain(systemDigest, chain, event);
    const table = tables[event.entityId.slice(0, 4)];
    // Only what is named after the new state is a transition; other events tell of what was seen.
    if (table === undefined || !event.type.endsWith(`.${event.to}`)) continue;
    expect(event.from).toBe(stands.get(event.entityId) ?? null);
    if (event.from !== null && event.from !== event.to)
      expect(nextStates(table, event.from)).toContain(event.to);
    stands.set(event.entityId, event.to);
  }
  expect(chain.firstBad).toBeNull();
  for (const [noun, prefix] of [
    ['hold', 'hld_'],
    ['booking', 'bkg_'],
    ['payment', 'pay_'],
  ] as const) {
    const rows = shard.sql.rows(`SELECT id, state FROM ${noun}`);
    const inChain = [...stands].filter(([id]) => id.startsWith(prefix));
    expect(new Map(rows.map(({ id, state }) => [id, state]))).toEqual(new Map(inChain));
  }
}

function nextStates(table: Machine<string, string>, from: string): string[] {
  return Object.keys(table[from] ?? {}).flatMap((event) => {
    const outcome = step(table, from, event);
    return outcome.ok ? [outcome.to] : [];
  });
}

/** What memory shows is what a fresh start from the same storage shows. */
export function checkMemory(shard: NodeShard): void {
  const [before, after] = [shard.state, shard.load()];
  const slotIds = shard.sql.rows('SELECT id FROM slot').map(({ id }) => String(id));
  for (const id of slotIds) {
    const [one, two] = [before.inventory.slot(id), after.inventory.slot(id)];
    if (one === null || two === null) throw new Error('a slot is missing from memory');
    expect(after.inventory.availability(two, 0)).toEqual(before.inventory.availability(one, 0));
  }
  expect(after.headSeq).toBe(before.headSeq);
  const callers = shard.sql.rows('SELECT DISTINCT caller_id FROM hold');
  for (const { caller_id: caller } of callers) {
    const id = String(caller);
    expect(after.liveHoldsOf(id)).toBe(before.liveHoldsOf(id));
    expect(after.liveUnitsOf(id, 'svc_hour')).toBe(before.liveUnitsOf(id, 'svc_hour'));
  }
}

/** Quota that holds and bookings count, by member and grant. */
function countedQuota(shard: NodeShard): Map<string, Map<string, QuotaUses>> {
  const counted = new Map<string, Map<string, QuotaUses>>();
  const rows = shard.sql.rows("SELECT id FROM hold WHERE quota_state IN ('held', 'kept')");
  for (const { id } of rows) {
    const quota = shard.store.hold(String(id))?.quota ?? null;
    if (quota === null) throw new Error('a hold that counts has its quota');
    const grants = counted.get(quota.memberId) ?? new Map<string, QuotaUses>();
    if (grants.has(quota.grantId)) throw new Error(`${quota.grantId} counts twice`);
    grants.set(quota.grantId, totalUses(quota.shares));
    counted.set(quota.memberId, grants);
  }
  return counted;
}

const LIMITS: readonly (readonly [keyof QuotaUses, string])[] = [
  ['bookings', 'bookings.perPeriod'],
  ['minutes', 'minutes.perPeriod'],
  ['included', 'bookings.included'],
];

/**
 * No plan is exceeded, by its member's own ledger and by what the shard holds; and whatever counts in the shard, the
 * member knows of, with no less than it takes.
 */
export function checkQuota(shard: NodeShard, members: NodeMembers): void {
  const wrong = shard.sql.rows(`
    SELECT id, state, quota_state FROM hold WHERE grant_id IS NOT NULL AND CASE state
      WHEN 'active' THEN quota_state <> 'held' WHEN 'closing' THEN quota_state <> 'held'
      WHEN 'committed' THEN quota_state <> 'kept' WHEN 'expired' THEN quota_state <> 'returned'
      ELSE quota_state = 'held' END`);
  expect(wrong).toEqual([]);
  const counted = countedQuota(shard);
  for (const [id, member] of members.all()) {
    const used = member.used();
    for (const [limit, feature] of LIMITS) {
      const most = member.features()[feature] ?? Number.POSITIVE_INFINITY;
      if (used[limit] > Number(most)) throw new Error(`${id} uses ${used[limit]} ${limit}`);
    }
    checkGrants(member, counted.get(id) ?? new Map());
  }
}

function checkGrants(member: NodeMember, counted: ReadonlyMap<string, QuotaUses>): void {
  const ledger = new Map(member.reservations().map((entry) => [entry.id, entry]));
  for (const [grantId, takes] of counted) {
    const entry = ledger.get(grantId);
    if (entry === undefined || entry.state === 'returned')
      throw new Error(`its member does not know of ${grantId}, which counts`);
    const limits = Object.keys(takes) as (keyof QuotaUses)[];
    const excess = limits.filter((limit) => takes[limit] > entry.uses[limit]);
    if (excess.length > 0) throw new Error(`${grantId} takes too much: ${excess.join(', ')}`);
  }
}

/** At rest: what a member's ledger counts is what live holds and kept bookings count, to the last slot. */
export function checkQuotaAtRest(shard: NodeShard, members: NodeMembers): void {
  expect(shard.sql.rows('SELECT * FROM quota_notice')).toEqual([]);
  const counted = countedQuota(shard);
  for (const [id, member] of members.all()) {
    const takes = totalUses([...(counted.get(id)?.values() ?? [])]);
    expect({ id, ...member.used() }).toEqual({ id, ...takes });
  }
}

/** Bookings whose money somebody moved beside the rules: the seller, a person at the processor, a dispute. */
const TOUCHED = `
  SELECT booking_id FROM refund WHERE is_external OR reason = 'goodwill'
  UNION SELECT booking_id FROM dispute`;

/** At rest: nothing is unfinished. */
export function checkFinished(shard: NodeShard): void {
  const unfinished = shard.sql.rows(`
    SELECT id, state FROM booking WHERE state IN ('pending', 'confirming')
    UNION ALL SELECT id, state FROM hold WHERE state IN ('active', 'closing')
    UNION ALL SELECT id, state FROM payment
      WHERE state IN ('created', 'action_required', 'pending', 'authorized', 'capturing')
    UNION ALL SELECT id, kind || ' ' || state FROM operation WHERE state IN ('requested', 'pending', 'unknown')
    UNION ALL SELECT id, state FROM dispute WHERE state IN ('inquiry', 'open', 'under_review')
    UNION ALL SELECT id, state FROM refund WHERE state IN ('requested', 'pending')`);
  expect(unfinished).toEqual([]);
}

/** At rest: nothing unfinished, no refund failed unasked, and the processors' money is ours to the cent. */
export function checkAtRest(shard: NodeShard, processors: readonly FakeProcessor[]): void {
  checkFinished(shard);
  const failed = `SELECT id FROM refund WHERE state = 'failed' AND booking_id NOT IN (${TOUCHED})`;
  expect(shard.sql.rows(failed)).toEqual([]);
  for (const processor of processors)
    for (const object of processor.objects.values()) checkObjectAtRest(shard, processor, object);
}

function checkObjectAtRest(
  shard: NodeShard,
  { processor }: FakeProcessor,
  object: ProcessorObject,
): void {
  const where = 'SELECT * FROM payment WHERE processor = ? AND ref = ?';
  const [ours] = shard.sql.rows(where, processor, object.ref);
  const { ref, capturedMinor, refundedMinor, state } = object;
  const left = capturedMinor - refundedMinor;
  if (state === 'authorized' || state === 'pending') throw new Error(`${ref} is still ${state}`);
  if (ours === undefined) {
    expect({ ref, left }).toEqual({ ref, left: 0 });
    return;
  }
  expect({ ref, capturedMinor, refundedMinor }).toEqual({
    ref,
    capturedMinor: ours['captured_minor'],
    refundedMinor: ours['refunded_minor'],
  });
  const booking = shard.store.booking(String(ours['booking_id']));
  const isEarned = booking?.state === 'confirmed' || booking?.state === 'cancelled';
  const isTouched = shard.sql.rows(TOUCHED).some((row) => row['booking_id'] === ours['booking_id']);
  if (!isEarned && !isTouched) expect({ ref, left }).toEqual({ ref, left: 0 });
}

/**
 * At rest: what a booking keeps over all its attempts is its price, or what the policy of its cancellation keeps. Where a
 * processor refused to give money back, a person decides.
 */
export function checkEarned(shard: NodeShard): void {
  const rows = shard.sql.rows(`
    SELECT booking.id, booking.state, json_extract(booking.body, '$.quote.totalMinor') AS due,
      coalesce(sum(captured_minor - refunded_minor), 0) AS kept
    FROM booking LEFT JOIN payment ON payment.booking_id = booking.id
    WHERE booking.id NOT IN (${TOUCHED} UNION SELECT booking_id FROM refund WHERE state = 'failed')
    GROUP BY booking.id`);
  for (const { id, state, due, kept } of rows) {
    const allowed = { confirmed: [due], cancelled: [0, Number(due) / 2] }[String(state)] ?? [0];
    if (!allowed.includes(kept))
      throw new Error(
        `${String(id)} is ${String(state)}, due ${String(due)}, and keeps ${String(kept)}`,
      );
  }
}

/** Money that came was earned by its booking, or somebody wrote down why it has to go back. */
export function checkExplained(shard: NodeShard): void {
  const unexplained = shard.sql.rows(`
    SELECT id, captured_minor, earned_minor FROM payment WHERE captured_minor > earned_minor +
      (SELECT coalesce(sum(amount_minor), 0) FROM refund WHERE payment_id = payment.id
        AND reason IN ('no slot for this money', 'less than what is due', 'more than what is due'))`);
  expect(unexplained).toEqual([]);
}

/** At rest: the facts that the ledger is told add up to what the payments say, payment by payment and to the cent. */
export function checkFacts(shard: NodeShard, facts: readonly MoneyFact[]): void {
  const told = new Map<string, { net: number; fee: number; commission: number }>();
  for (const fact of facts) {
    const sum = told.get(fact.paymentId) ?? { net: 0, fee: 0, commission: 0 };
    const sign = SIGNS[fact.kind];
    sum.net += sign * fact.amountMinor;
    sum.commission += sign * fact.commissionMinor;
    sum.fee += fact.feeMinor ?? 0;
    told.set(fact.paymentId, sum);
  }
  const rows = shard.sql.rows(`
    SELECT payment.id, captured_minor - refunded_minor - (SELECT coalesce(sum(amount_minor), 0) FROM dispute
      WHERE payment_id = payment.id AND state = 'lost') AS net, coalesce(fee_minor, 0) AS fee
    FROM payment WHERE captured_minor > 0`);
  for (const { id, net, fee } of rows) {
    const sum = told.get(String(id));
    expect({ id, net: sum?.net, fee: sum?.fee }).toEqual({ id, net, fee });
    if (sum !== undefined && sum.commission < -1) throw new Error(`${String(id)} gave up too much`);
  }
  expect([...told.keys()].toSorted()).toEqual(rows.map(({ id }) => String(id)).toSorted());
}

const SIGNS: Record<MoneyFact['kind'], number> = {
  captured: 1,
  refund_failed: 1,
  dispute_won: 1,
  refunded: -1,
  disputed: -1,
  dispute_lost: 0,
};
