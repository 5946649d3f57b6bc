/**
 * What every store of billing has to do, whatever it is made of: a change is whole or nothing, one version follows the
 * other, and what is written at most once is refused a second time. Run over D1 and over the store in memory.
 */
import { describe, expect, it } from 'vitest';
import type { BillingChange, BillingStore } from '../../src/application/billing-ports.ts';
import { required } from '../../src/domain/assert.ts';
import { GENESIS_HASH, type ChainLink } from '../../src/domain/chain.ts';
import type {
  Charge,
  Invoice,
  Notice,
  Subscription,
} from '../../src/domain/subscription/subscription.ts';
import { describeDocuments } from './billing-documents.case.ts';
import {
  DAY_MS,
  HOSTILE,
  PAID,
  makeCharge,
  makeInvoice,
  makeSubscription,
  next,
  payUp,
  signUp,
  withEvents,
} from './billing-fixtures.ts';
import { NOON_MS } from './fake-clock.ts';

/** A store with what it wrote beside its answers. */
export interface BillingStoreBench {
  readonly store: BillingStore;
  /** The links of a subscription's chain, in order. */
  readonly trail: (subscriptionId: string) => Promise<readonly ChainLink[]>;
  /** What a member is to be told, in the order in which it was written. */
  readonly noticesOf: (
    userId: string,
  ) => Promise<readonly (Notice & { readonly createdAtMs: number })[]>;
}

/** Runs the suite over a store; its rows may be shared with other tests. */
export function describeBillingStore(bench: BillingStoreBench): void {
  const { store, trail, noticesOf } = bench;

  describe('a change', () => {
    it('is read as it was written, down to the last letter', async () => {
      const subscription = makeSubscription({
        method: { processor: 'btcpay', ref: null },
        overrides: { 'window.days': null, label: HOSTILE },
        removals: ['categories', HOSTILE],
        cancelAtPeriodEnd: true,
        trialEndMs: NOON_MS + 1,
        pendingPlanId: 'pln_other',
        pausedRestMs: 5,
        creditMinor: 7,
        endedAtMs: NOON_MS + 2,
      });
      const invoice = makeInvoice(subscription, { nextAttemptAtMs: null, need: 'authentication' });
      const charge = makeCharge(invoice, {
        state: 'action_required',
        action: { type: 'redirect', url: 'https://pay.example.test/a?b=%20"' },
        call: null,
        returnUrl: HOSTILE,
        isUnwanted: true,
        isOffSession: false,
        nextLookAtMs: NOON_MS,
        declineCode: 'card_declined',
      });
      const customer = { processor: 'stripe', ref: `cus_${subscription.id}` } as const;
      await store.insert({ subscription, invoices: [invoice], charges: [charge], customer });
      expect(await store.load(subscription.id)).toEqual({
        subscription,
        openInvoice: invoice,
        charges: [charge],
        customers: { stripe: customer.ref },
      });
      expect(await store.invoice(invoice.id)).toEqual(invoice);
      expect(await store.charge(charge.id)).toEqual(charge);
    });

    it('shows every charge that is under way, the oldest first, and none that is over', async () => {
      const { subscription, invoice } = await payUp(store);
      const payment = makeCharge(invoice, { state: 'succeeded', call: null });
      const refund = (createdAtMs: number, state: Charge['state']) =>
        makeCharge(invoice, {
          purpose: 'refund',
          ofChargeId: payment.id,
          amountMinor: 10,
          createdAtMs,
          state,
        });
      const setup = makeCharge(invoice, { purpose: 'setup', invoiceId: null, amountMinor: 0 });
      const [late, early, over] = [
        refund(NOON_MS + 9, 'pending'),
        refund(NOON_MS - 9, 'created'),
        refund(NOON_MS, 'failed'),
      ];
      const charges = [payment, late, early, over, setup];
      await store.save({ subscription: next(subscription), charges });
      const account = await store.load(subscription.id);
      expect(account?.charges.map(({ id }) => id)).toEqual([early.id, setup.id, late.id]);
      expect(account?.openInvoice).toBeNull();
      expect((await store.latestCharge(subscription.id))?.id).toBe(
        [payment.id, setup.id].toSorted().at(-1),
      );
      expect((await store.refundsOf(subscription.id)).map(({ id }) => id)).toEqual([
        early.id,
        over.id,
        late.id,
      ]);
    });

    it('is lost as a whole by whoever read an older version', async () => {
      const { subscription, invoice } = await signUp(store);
      expect(await store.save({ subscription: next(subscription) })).toBe('done');
      const stale = withEvents(next(subscription, { creditMinor: 999 }), 2);
      const late: BillingChange = {
        ...stale,
        invoices: [{ ...invoice, ...PAID }],
        charges: [makeCharge(invoice)],
        customer: { processor: 'paypal', ref: `late_${subscription.id}` },
        notices: [
          {
            kind: 'invoice_paid',
            subscriptionId: subscription.id,
            userId: subscription.userId,
            invoiceId: null,
          },
        ],
      };
      expect(await store.save(late)).toBe('conflict');
      expect(await store.load(subscription.id)).toEqual({
        subscription: next(subscription),
        openInvoice: invoice,
        charges: [],
        customers: {},
      });
      expect(await trail(subscription.id)).toEqual([]);
      expect(await noticesOf(subscription.userId)).toEqual([]);
    });

    it('is made by one of many who try at the same moment', async () => {
      const { subscription } = await signUp(store);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.save({ subscription: next(subscription, { creditMinor: index }) }),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(1);
      const winner = outcomes.indexOf('done');
      const account = await store.load(subscription.id);
      expect(account?.subscription).toEqual(next(subscription, { creditMinor: winner }));
    });

    it('of a subscription that is not there is nobody else’s to lose: it fails', async () => {
      await expect(store.save({ subscription: next(makeSubscription()) })).rejects.toThrow();
      expect(await store.load('sub_nobody')).toBeNull();
    });

    it('fails when it is not whole in itself, and leaves nothing', async () => {
      const { subscription, invoice } = await signUp(store);
      const after = next(subscription);
      const linked = withEvents(after, 2);
      const stranger = makeInvoice(makeSubscription());
      const broken: BillingChange[] = [
        { subscription: after, invoices: [{ ...invoice, totalMinor: 1_901 }] },
        { subscription: after, invoices: [stranger] },
        { subscription: after, charges: [makeCharge(stranger)] },
        { subscription: after, events: linked.events },
        { ...linked, events: linked.events.slice(1) },
        { ...linked, events: linked.events.toReversed() },
      ];
      for (const change of broken) await expect(store.save(change)).rejects.toThrow();
      expect((await store.load(subscription.id))?.subscription).toEqual(subscription);
      expect(await trail(subscription.id)).toEqual([]);
    });
  });

  describe('a member', () => {
    it('has one live subscription in a group, however many sign-ups meet', async () => {
      const { userId } = makeSubscription();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () =>
          store.insert({ subscription: makeSubscription({ userId }) }),
        ),
      );
      expect(outcomes.toSorted()).toEqual(['done', ...Array.from({ length: 9 }, () => 'exists')]);
      const other = makeSubscription({ userId, planGroup: 'locker', createdAtMs: NOON_MS + 1 });
      expect(await store.insert({ subscription: other })).toBe('done');
      expect((await store.liveOf(userId, 'locker'))?.id).toBe(other.id);
      expect((await store.liveOf(userId, null))?.planGroup).toBe('membership');
      expect(await store.liveOf(userId, 'parking')).toBeNull();
    });

    it('may subscribe anew when the last subscription is over', async () => {
      const { subscription, invoice } = await signUp(store);
      const cancelled = next(subscription, { state: 'cancelled' });
      await store.save({ subscription: cancelled, invoices: [{ ...invoice, state: 'void' }] });
      expect(await store.liveOf(subscription.userId, null)).toBeNull();
      const again = makeSubscription({ userId: subscription.userId });
      expect(await store.insert({ subscription: again })).toBe('done');
    });

    it('gets the same answer when a sign-up is repeated', async () => {
      const { subscription } = await signUp(store, { state: 'expired' });
      expect(await store.insert({ subscription })).toBe('exists');
    });

    it('had a trial once one began, in the group of its plan', async () => {
      const trialEndMs = NOON_MS;
      const { subscription } = await signUp(store, { trialEndMs, state: 'cancelled' });
      expect(await store.hadTrial(subscription.userId, 'membership')).toBe(true);
      expect(await store.hadTrial(subscription.userId, 'locker')).toBe(false);
      const { subscription: unfinished } = await signUp(store, { trialEndMs, state: 'expired' });
      expect(await store.hadTrial(unfinished.userId, 'membership')).toBe(false);
    });

    it('is never the customer of somebody else, and keeps the newest of their own', async () => {
      const { subscription: mine } = await signUp(store);
      const { subscription: yours } = await signUp(store);
      const mineAtStripe = { processor: 'stripe', ref: `cus_${mine.id}` } as const;
      await store.save({ subscription: next(mine), customer: mineAtStripe });
      await expect(
        store.save({ subscription: next(yours), customer: mineAtStripe }),
      ).rejects.toThrow();
      const renewed = { ...mineAtStripe, ref: `cus_new_${mine.id}` };
      await store.save({ subscription: next(next(mine)), customer: renewed });
      expect((await store.load(mine.id))?.customers).toEqual({ stripe: renewed.ref });
    });
  });

  describeDocuments(store);

  describe('the trail', () => {
    it('has every link with the change that it tells of', async () => {
      const first = withEvents(makeSubscription(), 2);
      await store.insert(first);
      const second = withEvents(next(first.subscription), 3);
      expect(await store.save(second)).toBe('done');
      expect(await trail(first.subscription.id)).toEqual([...first.events, ...second.events]);
      expect((await store.load(first.subscription.id))?.subscription).toEqual(second.subscription);
    });

    it('takes no link that does not follow, and moves no head without a link', async () => {
      const first = withEvents(makeSubscription(), 2);
      await store.insert(first);
      const fork = withEvents(
        next({ ...first.subscription, chainSeq: 1, chainHash: GENESIS_HASH }),
        1,
      );
      await expect(store.save(fork)).rejects.toThrow();
      const moved = next({ ...first.subscription, chainSeq: 7, chainHash: 'f'.repeat(64) });
      expect(await store.save({ subscription: moved })).toBe('done');
      const { chainSeq, chainHash: hash } = first.subscription;
      expect((await store.load(moved.id))?.subscription).toMatchObject({
        chainSeq,
        chainHash: hash,
      });
    });
  });

  describe('a list', () => {
    it('of what is due has what is due, and nothing that waits', async () => {
      const dueAtMs = [NOON_MS - 1, NOON_MS, NOON_MS - 5 * DAY_MS, NOON_MS + 1, null];
      const own = await Promise.all(
        dueAtMs.map(async (value) => (await signUp(store, { dueAtMs: value })).subscription),
      );
      const due = await idsOf(own, (afterId, limit) =>
        store.due({ nowMs: NOON_MS, afterId, limit }),
      );
      expect(due).toEqual(sortedIds(own.slice(0, 3)));
    });

    it('of subscribers to older versions has the live ones', async () => {
      const planId = `pln_${crypto.randomUUID()}`;
      const own = [
        (await signUp(store, { planId, planVersion: 1 })).subscription,
        (await signUp(store, { planId, planVersion: 2, state: 'paused' })).subscription,
        (await signUp(store, { planId, planVersion: 1 })).subscription,
        (await signUp(store, { planId, planVersion: 3 })).subscription,
        (await signUp(store, { planId, planVersion: 1, state: 'cancelled' })).subscription,
      ];
      const older = await idsOf(own, (afterId, limit) =>
        store.olderThan({ planId, version: 3, afterId, limit }),
      );
      expect(older).toEqual(sortedIds(own.slice(0, 3)));
    });

    it('of what has to be pushed shrinks as pushes are acknowledged, and never grows by an old one', async () => {
      const own = [(await signUp(store)).subscription, (await signUp(store)).subscription];
      const [first, second] = own;
      const unpushed = () => idsOf(own, (afterId, limit) => store.unpushed(afterId, limit));
      expect(await unpushed()).toEqual(sortedIds(own));
      await store.markPushed(first?.id ?? '', NOON_MS);
      await store.markPushed(first?.id ?? '', NOON_MS - 1);
      await store.markPushed(second?.id ?? '', NOON_MS - 1);
      expect(await unpushed()).toEqual([second?.id]);
      const renewed = next(required(first, 'the first'), { entitlementVersion: NOON_MS + 1 });
      await store.save({ subscription: renewed });
      expect(await unpushed()).toEqual(sortedIds(own));
    });

    it('of invoices begins with the newest, page by page', async () => {
      let { subscription } = await signUp(store, { state: 'cancelled' });
      const invoices = Array.from({ length: 5 }, (_, index) =>
        makeInvoice(subscription, {
          ...PAID,
          kind: 'change',
          createdAtMs: NOON_MS + (index < 3 ? 1 : 2),
          periodEndMs: NOON_MS + index * DAY_MS,
        }),
      );
      subscription = next(subscription);
      await store.save({ subscription, invoices });
      const subscriptionId = subscription.id;
      const seen: string[] = [];
      let before: { atMs: number; id: string } | null = null;
      for (;;) {
        const page: Invoice[] = await store.invoicesOf({ subscriptionId, before, limit: 2 });
        seen.push(...page.map(({ id }) => id));
        const last = page.at(-1);
        if (last === undefined) break;
        before = { atMs: last.createdAtMs, id: last.id };
      }
      expect(seen.slice(0, 5)).toEqual(newestFirst(invoices).map(({ id }) => id));
      expect(seen).toHaveLength(6);
      const paid = await store.paidAfter(subscriptionId, NOON_MS + 2 * DAY_MS);
      expect(paid.map(({ id }) => id)).toEqual(newestFirst(invoices.slice(3)).map(({ id }) => id));
    });
  });

  it('keeps what a member is to be told, with the change that it tells of', async () => {
    const { subscription, invoice } = await signUp(store);
    const { id: subscriptionId, userId } = subscription;
    const notices: Notice[] = [
      { kind: 'subscription_started', subscriptionId, userId, invoiceId: null },
      { kind: 'invoice_paid', subscriptionId, userId, invoiceId: invoice.id },
    ];
    await store.save({ subscription: next(subscription), notices });
    expect(await noticesOf(userId)).toEqual(
      notices.map((notice) => ({ ...notice, createdAtMs: NOON_MS })),
    );
  });
}

/** Walks pages of two and keeps what the test made: storage may be shared. */
async function idsOf(
  own: readonly Subscription[],
  page: (afterId: string, limit: number) => Promise<string[]>,
): Promise<string[]> {
  const found: string[] = [];
  for (let after = ''; ;) {
    const ids = await page(after, 2);
    found.push(...ids);
    const last = ids.at(-1);
    if (last === undefined) break;
    after = last;
  }
  expect(found).toEqual(found.toSorted());
  const known = new Set(own.map(({ id }) => id));
  return found.filter((id) => known.has(id));
}
function sortedIds(own: readonly Subscription[]): string[] {
  return own.map(({ id }) => id).toSorted();
}

function newestFirst(list: readonly Invoice[]): Invoice[] {
  return list.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
}
