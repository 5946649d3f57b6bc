/**
 * Moves one payout on: looks at what a call may have done, makes the call that is due, and records what came of it.
 * A call whose outcome nobody knows is looked up before it is repeated, and repeated under its own key alone; a new key
 * comes only after an answer that is final under the old one. The ledger is told before the payout says that it is
 * completed, so that a crash in between tells it again. Called by the run of payouts and by operators' commands.
 */
import { retryAtMs, LOOK_DELAY_MS } from '../../domain/payout/payout-schedule.ts';
import { moved, noted, type Payout } from '../../domain/payout/payout.ts';
import { required } from '../../domain/assert.ts';
import type { PayoutReply, TransferView } from '../ports.ts';
import { accountNow } from './payout-account.ts';
import type { PayoutDeps } from './payout-ports.ts';
import { transferPosted } from './payout-postings.ts';
import { PAYOUT_ACTOR, PAYOUT_LEASE_MS, type PayoutEnd, type PayoutWork } from './payout-work.ts';

type Deps = Pick<PayoutDeps, 'clock' | 'log'>;

/** Does what is due. Never throws for an answer of the processor, whatever it is. */
export async function advancePayout(deps: Deps, work: PayoutWork): Promise<PayoutEnd> {
  const { payout, gateway } = work;
  if (payout.state === 'processing' || payout.tries > 0) {
    const seen = await gateway.findTransfer(payout.id);
    if (seen.kind === 'done') return settleTransfer(deps, work, seen.value);
    if (seen.kind !== 'missing') return postpone(deps, work, { lastReply: payout.lastReply, seen });
  }
  if (payout.state !== 'processing') return begin(deps, work);
  // A fault is stored under its key, and the processor has nothing: only another key can bring more.
  if (payout.lastReply === 'server_error') {
    return recordNo(deps, work, { payout, code: 'server_error', isKeySpent: true });
  }
  return transfer(deps, work, { isFirst: false });
}

/** Looks at a payout that waits for its next try: one that is not owed any more is called off now, not then. */
export async function reviewPayout(deps: Deps, work: PayoutWork): Promise<PayoutEnd> {
  return (await isOwed(work)) ? 'waiting' : advancePayout(deps, work);
}

/** Records money that the processor shows, in the ledger first. */
export async function settleTransfer(
  deps: Deps,
  { payout, store, ledger, gateway }: PayoutWork,
  { ref, amountMinor }: TransferView,
): Promise<PayoutEnd> {
  const atMs = deps.clock.nowMs();
  if (amountMinor !== payout.amountMinor) {
    deps.log.error('payouts.amount_differs', { entityId: payout.id, processor: gateway.processor });
  }
  await ledger.post([
    transferPosted(payout, {
      amountMinor,
      ref,
      atMs,
      processor: gateway.processor,
      bookingId: null,
    }),
  ]);
  const completed = moved(payout, 'complete', {
    transferRef: ref,
    reason: amountMinor === payout.amountMinor ? null : 'amount_differs',
    lastReply: null,
    nextAttemptAtMs: null,
    settledAtMs: atMs,
  });
  const isSaved = await store.save(completed, { from: payout.state, actor: PAYOUT_ACTOR, atMs });
  return isSaved ? 'completed' : 'busy';
}

/** Sends for the first time, or again after a definite no: only what is still owed, to an account that can take it. */
async function begin(deps: Deps, work: PayoutWork): Promise<PayoutEnd> {
  const { payout, store, gateway } = work;
  if (!(await isOwed(work))) return callOff(deps, work);
  const account = await accountNow(deps, { store, gateway, providerId: payout.providerId });
  if (account === 'unknown') {
    return postpone(deps, work, { lastReply: null, seen: { kind: 'account_unknown' } });
  }
  if (account?.isReady !== true) {
    return recordNo(deps, work, { payout, code: 'account_not_ready', isKeySpent: false });
  }
  return transfer(deps, work, { isFirst: true });
}

/** Whether what the payout was made of is still there; refunds and disputes may have taken it. */
async function isOwed({ payout, ledger }: PayoutWork): Promise<boolean> {
  const { providerId, currency, availableUntilMs } = payout;
  const payableMinor = await ledger.payable({ providerId, currency, availableUntilMs });
  return payableMinor >= payout.amountMinor;
}

/** Another is made for the rest. */
async function callOff(deps: Deps, { payout, store }: PayoutWork): Promise<PayoutEnd> {
  const atMs = deps.clock.nowMs();
  const change = { reason: 'balance_fell', nextAttemptAtMs: null, settledAtMs: atMs };
  const cancelled = moved(payout, 'cancel', change);
  const isSaved = await store.save(cancelled, { from: payout.state, actor: PAYOUT_ACTOR, atMs });
  return isSaved ? 'cancelled' : 'busy';
}

async function transfer(
  deps: Deps,
  work: PayoutWork,
  { isFirst }: { isFirst: boolean },
): Promise<PayoutEnd> {
  const { store, gateway } = work;
  const nowMs = deps.clock.nowMs();
  const leaseUntilMs = nowMs + PAYOUT_LEASE_MS;
  const change = { leaseUntilMs, nextAttemptAtMs: leaseUntilMs, lastReply: null, reason: null };
  const payout = moved(work.payout, 'send', change);
  const move = { from: work.payout.state, actor: PAYOUT_ACTOR, atMs: nowMs };
  if (!(await store.save(payout, move))) return 'busy';
  const { amountMinor: amount, currency } = payout;
  const reply = await gateway.transfer({
    key: `${payout.id}:transfer:${payout.keySeq}`,
    ref: required(payout.accountRef, 'a payout through a processor has an account'),
    amount: { amount, currency },
    payoutId: payout.id,
  });
  return record(deps, { ...work, payout }, { reply, isFirst });
}

async function record(
  deps: Deps,
  work: PayoutWork,
  { reply, isFirst }: { reply: PayoutReply<TransferView>; isFirst: boolean },
): Promise<PayoutEnd> {
  const { payout } = work;
  switch (reply.kind) {
    case 'done':
      return settleTransfer(deps, work, reply.value);
    case 'refused':
      return recordNo(deps, work, { payout, code: reply.code, isKeySpent: true });
    case 'missing':
      return recordNo(deps, work, { payout, code: 'account_missing', isKeySpent: true });
    case 'unavailable':
    case 'misconfigured':
      // Nothing was done by this call; whether an earlier one under the key still may be is not known.
      if (isFirst) return recordNo(deps, work, { payout, code: reply.kind, isKeySpent: false });
      return postpone(deps, work, { lastReply: reply.kind, seen: reply });
    case 'no_answer':
    case 'server_error':
      return postpone(deps, work, { lastReply: reply.kind, seen: reply });
  }
}

/** A definite no: nothing is under way any more. */
async function recordNo(
  deps: Deps,
  { store }: Pick<PayoutWork, 'store'>,
  { payout, code, isKeySpent }: { payout: Payout; code: string; isKeySpent: boolean },
): Promise<PayoutEnd> {
  const atMs = deps.clock.nowMs();
  const tries = payout.tries + 1;
  const nextAttemptAtMs = retryAtMs(tries, atMs);
  const isOver = nextAttemptAtMs === null;
  const next = moved(payout, isOver ? 'fail' : 'retry', {
    reason: code,
    tries,
    keySeq: payout.keySeq + (isKeySpent ? 1 : 0),
    lastReply: null,
    leaseUntilMs: 0,
    nextAttemptAtMs,
    settledAtMs: isOver ? atMs : null,
  });
  deps.log.warn('payouts.refused', { entityId: payout.id, code, attempts: tries });
  if (!(await store.save(next, { from: payout.state, actor: PAYOUT_ACTOR, atMs }))) return 'busy';
  return isOver ? 'failed' : 'retried';
}

/** Nothing is settled: the state stays, and somebody looks again. `lastReply` is that of the call, never of a look. */
async function postpone(
  deps: Deps,
  { payout, store }: Pick<PayoutWork, 'payout' | 'store'>,
  unsettled: {
    readonly lastReply: string | null;
    readonly seen: { readonly kind: string; readonly reason?: string };
  },
): Promise<PayoutEnd> {
  const { lastReply, seen } = unsettled;
  const { reason } = seen;
  deps.log.warn('payouts.unsettled', { entityId: payout.id, reply: seen.kind, reason });
  const nextAttemptAtMs = deps.clock.nowMs() + LOOK_DELAY_MS;
  const change = { lastReply, leaseUntilMs: 0, nextAttemptAtMs };
  return (await store.save(noted(payout, change), null)) ? 'unsettled' : 'busy';
}
