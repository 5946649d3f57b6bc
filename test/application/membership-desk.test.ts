/** A member's desk: what repeats, plans that change, lost words, shards that are down, and the hold budget come to. */
import { describe, expect, it } from 'vitest';
import { CALL_RETENTION_MS } from '../../src/domain/idempotency.ts';
import { HELD_ASK_MS } from '../../src/domain/grant/grant-life.ts';
import { DAY_MS, MEMBER_ID, MembershipWorld, PERIOD_MS } from './membership-world.ts';

const SHARD = 'g00000001';
const OTHER = 'g00000002';
const FIVE = { 'bookings.perPeriod': 5 };
const ONE = { 'bookings.perPeriod': 1 };

function subscribed(features: { [feature: string]: number | null }): MembershipWorld {
  const world = new MembershipWorld();
  world.subscribe(features);
  return world;
}

/** Admits a call and, when it was granted, has its shard take the hold. */
async function hold(world: MembershipWorld, grantId: string, shardKey = SHARD) {
  const ask = { grantId, shardKey };
  const verdict = await world.admit(ask);
  if (verdict.grant !== null) world.place(ask, verdict.grant);
  return verdict;
}

/** The same under a hold budget; names that begin with x go to another shard. Gives the code of the refusal. */
async function place(world: MembershipWorld, grantId: string, holdBudget = 2) {
  const ask = { grantId, shardKey: grantId.startsWith('x') ? OTHER : SHARD, holdBudget };
  const verdict = await world.admit(ask);
  if (verdict.grant !== null) world.place(ask, verdict.grant);
  return verdict.refusal?.code ?? null;
}

function usedIn(world: MembershipWorld, feature = 'bookings.perPeriod'): number | undefined {
  return world.desk.usage().memberships[0]?.used[feature];
}

function rowsOf(world: MembershipWorld) {
  return world.sql.rows('SELECT id, state FROM reservation ORDER BY seq');
}

function tablesOf(world: MembershipWorld) {
  return world.sql.rows("SELECT name FROM sqlite_master WHERE type = 'table'");
}

/** Ends every live hold at its shard; nobody is told. */
function endHolds(world: MembershipWorld): void {
  for (const grant of world.taken.values()) grant.state = 'returned';
}

describe('who has no counted limits', () => {
  it('is answered without a plan, and nothing is written', async () => {
    const world = new MembershipWorld();
    expect(await world.admit({ grantId: 'a', shardKey: SHARD })).toEqual({
      isMember: false,
      planId: null,
      benefits: null,
      grant: null,
      refusal: null,
    });
    expect(tablesOf(world)).toEqual([]);
  });

  it('is answered from memory', async () => {
    const world = subscribed({ 'window.days': 30, 'bookings.perPeriod': null });
    expect(await world.admit({ grantId: 'a', shardKey: SHARD })).toMatchObject({
      isMember: true,
      planId: 'pln_1',
      benefits: { windowDays: 30 },
      grant: null,
      refusal: null,
    });
    expect(rowsOf(world)).toEqual([]);
  });

  it('has slots paid without a reservation where the plan pays for all', async () => {
    const world = subscribed({ 'bookings.included': null });
    const { grant } = await world.admit({ grantId: 'a', shardKey: SHARD, slots: 2 });
    expect(grant).toMatchObject({ memberId: MEMBER_ID, uses: { included: 2 } });
    expect(rowsOf(world)).toEqual([]);
  });
});

describe('a repeat of a call', () => {
  it('meets its reservation, valid anew, and counts once', async () => {
    const world = subscribed(FIVE);
    const first = await world.admit({ grantId: 'a', shardKey: SHARD });
    world.clock.advance(8_000);
    const again = await world.admit({ grantId: 'a', shardKey: SHARD });
    expect(again.grant?.id).toBe(first.grant?.id);
    expect(again.grant?.validUntilMs).toBe(Number(first.grant?.validUntilMs) + 8_000);
    expect(usedIn(world)).toBe(1);
  });

  it('meets it even when nothing is left, and after a crash', async () => {
    const world = subscribed(ONE);
    const first = await hold(world, 'a');
    world.crash();
    const again = await world.admit({ grantId: 'a', shardKey: SHARD });
    expect(again).toEqual(first);
  });

  it('cannot take more under the name of less', async () => {
    const world = subscribed(ONE);
    await world.admit({ grantId: 'a', shardKey: SHARD, slots: 1 });
    const more = await world.admit({ grantId: 'a', shardKey: SHARD, slots: 2 });
    expect(more.refusal?.code).toBe('quota_exhausted');
  });

  it('reserves anew what had come back', async () => {
    const world = subscribed(ONE);
    const first = await world.admit({ grantId: 'a', shardKey: SHARD });
    world.clock.advance(15_000);
    await world.desk.look();
    expect(usedIn(world)).toBe(0);
    const again = await world.admit({ grantId: 'a', shardKey: SHARD });
    expect(again.grant?.id).toBe(first.grant?.id);
    expect(usedIn(world)).toBe(1);
  });

  it('is a call of its own once its key is forgotten', async () => {
    const world = subscribed(FIVE);
    const first = await hold(world, 'a');
    world.clock.advance(CALL_RETENTION_MS + 1);
    const again = await hold(world, 'a');
    expect(again.grant?.id).not.toBe(first.grant?.id);
    expect(usedIn(world)).toBe(2);
  });

  it('gets nothing of a plan that has lapsed meanwhile', async () => {
    const world = subscribed(FIVE);
    await world.admit({ grantId: 'a', shardKey: SHARD });
    world.subscribe({}, { version: 2, planId: null, validUntilMs: world.clock.nowMs() });
    const again = await world.admit({ grantId: 'a', shardKey: SHARD });
    expect(again).toMatchObject({ isMember: false, planId: null, grant: null });
  });
});

describe('a limit that seems to be exhausted', () => {
  it('is refused with what is known of it', async () => {
    const world = subscribed(ONE);
    await hold(world, 'a');
    const { refusal } = await world.admit({ grantId: 'b', shardKey: SHARD });
    expect(refusal).toMatchObject({
      code: 'quota_exhausted',
      extra: {
        feature: 'bookings.perPeriod',
        limit: 1,
        used: 1,
        until: new Date(world.periodStartMs + PERIOD_MS).toISOString().replace('.000Z', 'Z'),
      },
    });
  });

  it('lets a hold through whose predecessor ended without a word', async () => {
    const world = subscribed(ONE);
    await hold(world, 'a');
    endHolds(world);
    expect((await hold(world, 'b')).refusal).toBeNull();
  });

  it('never takes a grant back that may still be used', async () => {
    const world = subscribed(ONE);
    await world.admit({ grantId: 'a', shardKey: SHARD });
    world.clock.advance(14_999);
    expect((await world.admit({ grantId: 'b', shardKey: SHARD })).refusal).not.toBeNull();
    world.clock.advance(1_000);
    expect((await world.admit({ grantId: 'c', shardKey: SHARD })).refusal).toBeNull();
  });

  it('asks the shards once for a crowd, and at most once in a second', async () => {
    const world = subscribed(ONE);
    await hold(world, 'a');
    const crowd = Array.from({ length: 50 }, (_, i) => hold(world, `b${i}`));
    await Promise.all(crowd);
    expect(world.asked).toHaveLength(1);
    world.clock.advance(999);
    await hold(world, 'c');
    expect(world.asked).toHaveLength(1);
    world.clock.advance(1);
    await hold(world, 'd');
    expect(world.asked).toHaveLength(2);
  });

  it('is asked about as well before a member pays for what may be free', async () => {
    const world = subscribed({ 'bookings.perPeriod': 1, 'overage.price': 500 });
    await hold(world, 'a');
    endHolds(world);
    const { grant } = await world.admit({ grantId: 'b', shardKey: SHARD });
    expect(grant).toMatchObject({ uses: { bookings: 1, overage: 0 }, overagePrice: null });
  });

  it('stands while a shard that knows better cannot be asked', async () => {
    const world = subscribed(ONE);
    await hold(world, 'a');
    endHolds(world);
    world.isDown.add(SHARD);
    expect((await hold(world, 'b')).refusal?.code).toBe('quota_exhausted');
  });

  it('says "not now" for too many holds at one time', async () => {
    const world = subscribed({ 'holds.concurrent': 1 });
    await hold(world, 'a');
    const { refusal } = await hold(world, 'b');
    expect(refusal).toMatchObject({
      code: 'hold_limit_reached',
      extra: { limit: 1, retryAfterSeconds: 10 },
    });
  });
});

describe('the alarm of a member', () => {
  it('asks about a grant only once it can no longer be taken', async () => {
    const world = subscribed(FIVE);
    await world.admit({ grantId: 'a', shardKey: SHARD });
    world.clock.advance(14_999);
    await world.desk.look();
    expect(world.asked).toEqual([]);
    world.clock.advance(1);
    await world.desk.look();
    expect(world.asked).toHaveLength(1);
    expect(usedIn(world)).toBe(0);
  });

  it('asks about a hold whose end got lost, again and again but seldom', async () => {
    const world = subscribed(FIVE);
    await hold(world, 'a');
    world.clock.advance(15_000);
    await world.desk.look();
    expect(usedIn(world)).toBe(1);
    endHolds(world);
    world.crash();
    world.clock.advance(HELD_ASK_MS - 1);
    await world.desk.look();
    expect(usedIn(world)).toBe(1);
    world.clock.advance(1);
    await world.desk.look();
    expect(usedIn(world)).toBe(0);
  });

  it('asks a shard that is down with growing pauses, and guesses nothing', async () => {
    const world = subscribed(FIVE);
    await world.admit({ grantId: 'a', shardKey: SHARD });
    world.isDown.add(SHARD);
    world.clock.advance(15_000);
    const askedAfterMs: number[] = [];
    for (let atMs = 0; atMs < 40_000; atMs += 1_000) {
      const before = world.asked.length;
      await world.desk.look();
      if (world.asked.length > before) askedAfterMs.push(atMs);
      world.clock.advance(1_000);
    }
    expect(askedAfterMs).toEqual([0, 5_000, 15_000, 35_000]);
    expect(usedIn(world)).toBe(1);
    world.isDown.clear();
    world.clock.advance(60_000);
    await world.desk.look();
    expect(usedIn(world)).toBe(0);
  });

  it('forgets what came back, and after the period what was kept', async () => {
    const world = subscribed(FIVE);
    await hold(world, 'a');
    await hold(world, 'b');
    const [a, b] = world.taken.values();
    if (a === undefined || b === undefined) throw new Error('both are held');
    a.state = 'kept';
    b.state = 'returned';
    world.desk.settle([world.outcome(a.id), world.outcome(b.id)]);
    world.clock.advance(CALL_RETENTION_MS + 1);
    await world.desk.look();
    expect(rowsOf(world)).toEqual([{ id: a.id, state: 'kept' }]);
    world.clock.advance(PERIOD_MS);
    await world.desk.look();
    expect(rowsOf(world)).toEqual([]);
  });
});

describe('what billing pushes', () => {
  it('is decided by at once', async () => {
    const world = subscribed(FIVE);
    world.subscribe({}, { version: 2, planId: null });
    expect(await hold(world, 'a')).toMatchObject({ isMember: false, grant: null });
  });

  it('never takes the place of a newer version', async () => {
    const world = subscribed(FIVE);
    world.subscribe({ 'access.members': false }, { version: 3 });
    world.subscribe(FIVE, { version: 2 });
    expect(await hold(world, 'a')).toMatchObject({ isMember: false });
  });

  it('is of the newer subscription where one of the group follows another', async () => {
    const world = subscribed(FIVE);
    world.subscribe(FIVE, { subscriptionId: 'sub_2', planId: 'pln_2', version: 3 });
    world.subscribe({}, { subscriptionId: 'sub_1', planId: null, validUntilMs: 0, version: 2 });
    expect(await hold(world, 'a')).toMatchObject({ isMember: true, planId: 'pln_2' });
  });

  it('keeps one subscription per group, and counts each by itself', async () => {
    const world = subscribed(ONE);
    world.subscribe(ONE, { group: 'pool', planId: 'pln_2', subscriptionId: 'sub_2' });
    expect((await hold(world, 'a')).planId).toBe('pln_1');
    expect((await hold(world, 'b')).planId).toBe('pln_2');
    expect((await hold(world, 'c')).refusal?.code).toBe('quota_exhausted');
  });

  it('keeps what was used when the plan changes within the period', async () => {
    const world = subscribed(FIVE);
    await hold(world, 'a');
    await hold(world, 'b');
    world.subscribe({ 'bookings.perPeriod': 2 }, { planId: 'pln_2', version: 2 });
    expect((await hold(world, 'c')).refusal?.code).toBe('quota_exhausted');
    world.subscribe({ 'bookings.perPeriod': 3 }, { planId: 'pln_3', version: 3 });
    expect((await hold(world, 'd')).refusal).toBeNull();
  });

  it('begins a new count with the next period, in grace already, and goes on with it', async () => {
    const world = subscribed(ONE);
    await hold(world, 'a');
    world.clock.set(world.periodStartMs + PERIOD_MS);
    expect((await hold(world, 'b')).refusal).toBeNull();
    expect((await hold(world, 'c')).refusal?.extra).toMatchObject({ used: 1, until: null });
    const periodStartMs = world.periodStartMs + PERIOD_MS;
    world.subscribe(ONE, { periodStartMs, periodEndMs: periodStartMs + PERIOD_MS, version: 2 });
    expect((await hold(world, 'd')).refusal?.code).toBe('quota_exhausted');
  });

  it('is known again after a crash, with all that was used', async () => {
    const world = subscribed({ 'bookings.perPeriod': 2, 'guestPasses.perPeriod': 3 });
    await world.admit({ grantId: 'a', shardKey: SHARD, guests: 2 });
    const before = world.desk.usage();
    world.crash();
    expect(world.desk.usage()).toEqual(before);
    expect(before.memberships[0]?.used).toEqual({
      'bookings.perPeriod': 1,
      'guestPasses.perPeriod': 2,
    });
  });
});

describe('minutes', () => {
  it('are counted as they were measured', async () => {
    const world = subscribed({ 'minutes.perPeriod': 120 });
    await hold(world, 'a');
    await hold(world, 'b');
    expect(usedIn(world, 'minutes.perPeriod')).toBe(120);
    expect((await hold(world, 'c')).refusal?.extra).toMatchObject({ used: 120 });
  });
});

describe('the hold budget over all shards', () => {
  it('refuses once the shards together have as many live holds', async () => {
    const world = subscribed(FIVE);
    expect(await place(world, 'a')).toBeNull();
    expect(await place(world, 'x1')).toBeNull();
    expect(await place(world, 'b')).toBe('hold_limit_reached');
  });

  it('allows again when holds have ended, and does not count a repeat', async () => {
    const world = subscribed(FIVE);
    await place(world, 'a');
    await place(world, 'a');
    expect(await place(world, 'x1')).toBeNull();
    endHolds(world);
    expect(await place(world, 'b')).toBeNull();
  });

  it('keeps nobody from a hold because of what was never held', async () => {
    const world = new MembershipWorld();
    for (let i = 0; i < 20; i += 1) expect(await place(world, `a${i}`)).toBeNull();
  });

  it('asks nobody for a budget that is not kept', async () => {
    const world = subscribed({ 'bookings.perPeriod': 100 });
    for (let i = 0; i < 50; i += 1) expect(await place(world, `a${i}`, 999_999)).toBeNull();
    expect(world.asked).toEqual([]);
  });

  it('goes on without a shard that cannot be asked', async () => {
    const world = subscribed(FIVE);
    await place(world, 'a');
    await place(world, 'b');
    world.isDown.add(SHARD);
    expect(await place(world, 'x1')).toBeNull();
  });
});

it('refuses a member in grace once the grace is over', async () => {
  const world = subscribed(FIVE);
  world.clock.set(world.periodStartMs + 2 * PERIOD_MS - 1);
  expect(await hold(world, 'a')).toMatchObject({ isMember: true });
  world.clock.advance(1);
  expect(await hold(world, 'b')).toMatchObject({ isMember: false, planId: null });
  world.clock.advance(DAY_MS);
  expect(await hold(world, 'c')).toMatchObject({ isMember: false, planId: null });
});
