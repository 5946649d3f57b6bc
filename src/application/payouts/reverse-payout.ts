/**
 * Takes back what was transferred, as an operator commands it or a refund demands it. What should be reversed in all is
 * written before the call, so that a call whose outcome is lost is looked up, and repeated only where its money is not
 * there. The recovery that it is for moves in the same writes.
 */
import { LOOK_DELAY_MS } from '../../domain/payout/payout-schedule.ts';
import { noted, type Payout } from '../../domain/payout/payout.ts';
import { movedRecovery, type Recovery } from '../../domain/payout/recovery.ts';
import { required } from '../../domain/assert.ts';
import { ok, refuse, type Result } from '../../domain/result.ts';
import { invalidField } from '../catalogue-deps.ts';
import type { PayoutReply, TransferView } from '../ports.ts';
import type { PayoutDeps } from './payout-ports.ts';
import { reversalPosted } from './payout-postings.ts';
import { PAYOUT_ACTOR, PAYOUT_LEASE_MS, type PayoutEnd, type PayoutWork } from './payout-work.ts';

type Deps = Pick<PayoutDeps, 'clock' | 'log'>;

/**
 * Begins a reversal and makes its call. Refusals: `invalid_transition` for a payout that moved nothing, or whose earlier
 * reversal is still under way; `validation_failed` for more than is left of it.
 */
export async function reversePayout(
  deps: Deps,
  work: PayoutWork,
  command: {
    readonly amountMinor: number;
    readonly actor: string;
    /** What asks for it: an operator's command by its key, or a recovery. */
    readonly cause: { readonly key: string } | { readonly recovery: Recovery };
  },
): Promise<Result<PayoutEnd>> {
  const { payout, store } = work;
  const { amountMinor, actor, cause } = command;
  const leftMinor = payout.amountMinor - payout.reversedMinor;
  if (payout.state !== 'completed' || payout.method !== 'processor') {
    return refuse('invalid_transition', 'Only what was transferred can be reversed.');
  }
  if (payout.reversalTargetMinor !== null) {
    return refuse('invalid_transition', 'A reversal of this payout is under way.');
  }
  if (amountMinor > leftMinor) return invalidField('/amount', `must be at most ${leftMinor}`);
  const asked = noted(payout, {
    reversalTargetMinor: payout.reversedMinor + amountMinor,
    ...('key' in cause
      ? { reversalKey: cause.key, recoveryId: null }
      : { recoveryId: cause.recovery.id }),
    ...leased(deps),
  });
  const move = { from: payout.state, actor, atMs: deps.clock.nowMs() };
  const begun =
    'key' in cause ? null : movedRecovery(cause.recovery, 'reverse', { payoutId: payout.id });
  if (!(await store.save(asked, move, begun))) {
    return refuse('invalid_transition', 'Somebody else has just changed this payout.');
  }
  return ok(await call(deps, { ...work, payout: asked }));
}

/** Finds out what became of a reversal, and repeats it where nothing did. */
export async function continueReversal(deps: Deps, work: PayoutWork): Promise<PayoutEnd> {
  const { payout, store, gateway } = work;
  const targetMinor = payout.reversalTargetMinor;
  if (targetMinor === null) return 'busy';
  const seen = await gateway.findTransfer(payout.id);
  if (seen.kind !== 'done') return postpone(deps, work, payout.lastReply);
  if (seen.value.reversedMinor >= targetMinor) return settle(deps, work, seen.value);
  // A fault is stored under its key: only another key can bring more.
  const reversalSeq = payout.reversalSeq + (payout.lastReply === 'server_error' ? 1 : 0);
  const again = noted(payout, { reversalSeq, lastReply: null, ...leased(deps) });
  if (!(await store.save(again, null))) return 'busy';
  return call(deps, { ...work, payout: again });
}

async function call(deps: Deps, work: PayoutWork): Promise<PayoutEnd> {
  const { payout, gateway } = work;
  const targetMinor = required(payout.reversalTargetMinor, 'a reversal has a target');
  const reply = await gateway.reverseTransfer({
    key: `${payout.id}:reversal:${payout.reversalSeq}`,
    transferRef: required(payout.transferRef, 'a completed payout has its transfer'),
    amountMinor: targetMinor - payout.reversedMinor,
  });
  return record(deps, work, reply);
}

async function record(
  deps: Deps,
  work: PayoutWork,
  reply: PayoutReply<TransferView>,
): Promise<PayoutEnd> {
  switch (reply.kind) {
    case 'done':
      return settle(deps, work, reply.value);
    case 'refused':
      return drop(deps, work, reply.code);
    case 'missing':
      return drop(deps, work, 'transfer_missing');
    case 'no_answer':
    case 'server_error':
    case 'unavailable':
    case 'misconfigured':
      deps.log.warn('payouts.reversal_unsettled', {
        entityId: work.payout.id,
        reply: reply.kind,
        reason: reply.reason,
      });
      return postpone(deps, work, reply.kind);
  }
}

/** The ledger follows the processor: what it shows as reversed is owed again. */
async function settle(deps: Deps, work: PayoutWork, view: TransferView): Promise<PayoutEnd> {
  const { payout, store, ledger, gateway } = work;
  const { reversedMinor, ref } = view;
  const amountMinor = reversedMinor - payout.reversedMinor;
  const atMs = deps.clock.nowMs();
  const recovery = await recoveryOf(work);
  if (amountMinor > 0) {
    const bookingId = recovery?.bookingId ?? null;
    const moved = { amountMinor, processor: gateway.processor, ref, atMs, bookingId };
    await ledger.post([reversalPosted(payout, moved, reversedMinor)]);
  }
  const move = { from: payout.state, actor: PAYOUT_ACTOR, atMs };
  const change = { reversedMinor: amountMinor, settledAtMs: atMs };
  const settled = recovery && movedRecovery(recovery, 'settle', change);
  const isSaved = await store.save(ended(payout, { reversedMinor, reason: null }), move, settled);
  return isSaved ? 'reversed' : 'busy';
}

/** A definite no: the payout stands as it did, and what it was for is left in the balance. */
async function drop(deps: Deps, work: PayoutWork, reason: string): Promise<PayoutEnd> {
  const { payout, store } = work;
  const { reversedMinor } = payout;
  const recovery = await recoveryOf(work);
  const change = { reason, settledAtMs: deps.clock.nowMs() };
  const carried = recovery && movedRecovery(recovery, 'carry', change);
  const isSaved = await store.save(ended(payout, { reversedMinor, reason }), null, carried);
  if (!isSaved) return 'busy';
  return recovery === null ? 'failed' : 'carried';
}

/** What the reversal under way is for; null where an operator commanded it. */
async function recoveryOf({ payout, store }: PayoutWork): Promise<Recovery | null> {
  return payout.recoveryId === null ? null : store.recovery(payout.recoveryId);
}

function ended(payout: Payout, change: Pick<Payout, 'reversedMinor' | 'reason'>): Payout {
  return noted(payout, {
    ...change,
    reversalTargetMinor: null,
    reversalSeq: payout.reversalSeq + 1,
    lastReply: null,
    leaseUntilMs: 0,
    nextAttemptAtMs: null,
  });
}

async function postpone(
  deps: Deps,
  { payout, store }: PayoutWork,
  lastReply: string | null,
): Promise<PayoutEnd> {
  const nextAttemptAtMs = deps.clock.nowMs() + LOOK_DELAY_MS;
  const later = noted(payout, { lastReply, leaseUntilMs: 0, nextAttemptAtMs });
  return (await store.save(later, null)) ? 'unsettled' : 'busy';
}

function leased({ clock }: Pick<Deps, 'clock'>): { leaseUntilMs: number; nextAttemptAtMs: number } {
  const leaseUntilMs = clock.nowMs() + PAYOUT_LEASE_MS;
  return { leaseUntilMs, nextAttemptAtMs: leaseUntilMs };
}
