/** A member's object in the real runtime: crowds, eviction, its alarm, and how little it writes. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import type {
  AdmitCommand,
  Entitlements,
  MembershipRpc,
} from '../../src/contracts/membership-rpc.ts';
import { provisionShop } from '../support/shard-shop.ts';

const DAY_MS = 86_400_000;

/** Shards that nobody provisioned: they know of no grant. */
const SHARDS = ['gaaaaaa11', 'gaaaaaa12', 'gaaaaaa13', 'gaaaaaa14'];

function memberOf(memberId: string) {
  const stub = env.MEMBERSHIP.getByName(memberId);
  const member = stub as unknown as MembershipRpc;
  return {
    stub,
    member,
    subscribe: (features: Entitlements['features'], own: Partial<Entitlements> = {}) =>
      member.putEntitlements(entitlementsOf(memberId, features, own)),
    admit: async (grantId: string, ask: Partial<AdmitCommand> = {}) => {
      const reply = await member.admit({
        memberId,
        grantId,
        shardKey: 'gaaaaaa11',
        slots: 1,
        guests: 0,
        minutes: null,
        holdBudget: 999_999,
        ...ask,
      });
      if (reply.kind === 'measure') throw new Error('no plan here counts minutes');
      return reply.verdict;
    },
    used: async (): Promise<unknown> => {
      const { memberships } = await member.usage();
      return memberships[0]?.used;
    },
  };
}

function entitlementsOf(
  memberId: string,
  features: Entitlements['features'],
  own: Partial<Entitlements>,
): Entitlements {
  const nowMs = Date.now();
  return {
    memberId,
    subscriptionId: 'sub_1',
    group: 'membership',
    planId: 'pln_1',
    planName: 'Gold',
    features: { 'access.members': true, ...features },
    currency: 'usd',
    periodStartMs: nowMs - DAY_MS,
    periodEndMs: nowMs + DAY_MS,
    validUntilMs: nowMs + 2 * DAY_MS,
    version: nowMs,
    ...own,
  };
}

function tablesOf(stub: DurableObjectStub): Promise<unknown[]> {
  return runInDurableObject(stub, (_instance, state) =>
    state.storage.sql
      .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray(),
  );
}

it('grants a limit exactly as often as it allows to two hundred calls at the same moment', async () => {
  const { member, subscribe, admit, used } = memberOf('usr_gcrowd');
  await subscribe({ 'bookings.perPeriod': 7 });
  const verdicts = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      admit(`call${i}`, { shardKey: SHARDS[i % SHARDS.length] ?? '' }),
    ),
  );
  const grants = verdicts.flatMap(({ grant }) => (grant === null ? [] : [grant.id]));
  expect(new Set(grants).size).toBe(7);
  const codes = verdicts.flatMap(({ refusal }) => (refusal === null ? [] : [refusal.code]));
  expect([codes.length, ...new Set(codes)]).toEqual([193, 'quota_exhausted']);
  expect(await used()).toEqual({ 'bookings.perPeriod': 7 });
  const [first = ''] = grants;
  await member.settle([{ grantId: first, state: 'returned', uses: null }]);
  const more = await Promise.all([admit('one'), admit('another')]);
  expect(more.filter(({ grant }) => grant !== null)).toHaveLength(1);
});

it('gives fifty repeats of one call one grant', async () => {
  const { subscribe, admit, used } = memberOf('usr_grepeat');
  await subscribe({ 'bookings.perPeriod': 7 });
  const verdicts = await Promise.all(Array.from({ length: 50 }, () => admit('same')));
  expect(new Set(verdicts.map(({ grant }) => grant?.id)).size).toBe(1);
  expect(await used()).toEqual({ 'bookings.perPeriod': 1 });
});

it('knows rights and reservations again after an eviction', async () => {
  const { stub, subscribe, admit, used } = memberOf('usr_gevicted');
  await subscribe({ 'bookings.perPeriod': 2, 'guestPasses.perPeriod': 3 });
  const before = await admit('a', { guests: 2 });
  await evictDurableObject(stub);
  expect(await used()).toEqual({ 'bookings.perPeriod': 1, 'guestPasses.perPeriod': 2 });
  const after = await admit('a', { guests: 2 });
  expect(after.grant?.id).toBe(before.grant?.id);
  await admit('b');
  expect((await admit('c')).refusal?.code).toBe('quota_exhausted');
});

it('sets its alarm with the reservation, for when the grant can no longer be taken', async () => {
  const { stub, subscribe, admit } = memberOf('usr_galarm');
  await subscribe({ 'bookings.perPeriod': 2 });
  const { grant } = await admit('a');
  const alarmAtMs = await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm());
  expect(alarmAtMs).toBe(Number(grant?.validUntilMs) + 5_000);
});

it('takes back by its alarm what no shard has taken', async () => {
  const { stub, subscribe, admit, used } = memberOf('usr_gunused');
  await subscribe({ 'bookings.perPeriod': 2 });
  await admit('a', { shardKey: 'gaaaaaa11' });
  await admit('b', { shardKey: 'gaaaaaa12' });
  await runInDurableObject(stub, (_instance, state) => {
    state.storage.sql.exec(
      'UPDATE reservation SET valid_until_ms = valid_until_ms - 60000, due_at_ms = due_at_ms - 60000',
    );
  });
  await evictDurableObject(stub);
  expect(await used()).toBeDefined();
  await vi.waitFor(async () => expect(await used()).toEqual({ 'bookings.perPeriod': 0 }), 10_000);
});

it('asks the shard whether a hold that seems to be live has ended', async () => {
  const shop = await provisionShop('gaaaaaa15');
  const { subscribe, admit, used } = memberOf('usr_gasked');
  await subscribe({ 'holds.concurrent': 1 });
  const verdict = await admit('a', { shardKey: 'gaaaaaa15' });
  const [slot = ''] = await shop.createSlots([{ startsInMs: 2 * DAY_MS }]);
  const caller = { id: 'usr_gasked', roles: ['customer' as const] };
  const held = await shop.shard.placeHold({
    caller,
    call: { key: 'a', fingerprint: slot },
    access: verdict,
    claim: { slotIds: [slot], quantity: null, units: null, fareId: null },
    holdBudget: 10,
  });
  if (!held.ok) throw new Error(held.refusal.detail);
  expect((await admit('b', { shardKey: 'gaaaaaa15' })).refusal?.code).toBe('hold_limit_reached');
  await shop.shard.releaseHold(caller, held.value.id);
  await vi.waitFor(
    async () => expect((await admit('c', { shardKey: 'gaaaaaa15' })).refusal).toBeNull(),
    { timeout: 5_000, interval: 200 },
  );
  expect(await used()).toEqual({ 'holds.concurrent': 1 });
});

it('writes nothing for a member who never had a plan', async () => {
  const { stub, admit } = memberOf('usr_gplain');
  expect(await admit('a', { holdBudget: 10 })).toEqual({
    isMember: false,
    planId: null,
    benefits: null,
    grant: null,
    refusal: null,
  });
  expect(await tablesOf(stub)).toEqual([]);
});

it('drops rights of a former shape, which billing pushes again', async () => {
  const { stub, admit, member, subscribe } = memberOf('usr_gformer');
  await runInDurableObject(stub, (_instance, state) => {
    const former = { memberId: 'usr_gformer', planId: 'pln_1', features: {}, version: 1 };
    state.storage.kv.put('entitlements', former);
  });
  await evictDurableObject(stub);
  expect(await admit('a')).toMatchObject({ isMember: false, planId: null });
  expect(await member.usage()).toEqual({ memberships: [] });
  const left = await runInDurableObject(stub, (_instance, state) =>
    state.storage.kv.get('entitlements'),
  );
  expect(left).toBeUndefined();
  await subscribe({});
  expect(await admit('b')).toMatchObject({ isMember: true });
});
