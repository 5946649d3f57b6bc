/**
 * What went back to customers after their providers were paid out: each refund and lost dispute is looked at once its
 * payouts are settled, and then either taken back from the transfer or left for the next payouts to net. Called by the run
 * of payouts, before new payouts are made.
 */
import type { DataRegion } from '../../domain/ids.ts';
import { PAYOUT_SETTINGS_DEFAULT } from '../../domain/payout/payout.ts';
import { movedRecovery, planRecovery, type Recovery } from '../../domain/payout/recovery.ts';
import type { PayoutDeps, PayoutStore } from './payout-ports.ts';
import { PAYOUT_ACTOR, type PayoutEnd } from './payout-work.ts';
import { reversePayout } from './reverse-payout.ts';

/**
 * Decides over one recovery. `waiting`: a payout or reversal that bears on it is not settled, and the next run looks again.
 */
export async function recover(
  deps: PayoutDeps,
  region: DataRegion,
  recovery: Recovery,
): Promise<PayoutEnd> {
  const { providerId, currency } = recovery;
  const store = deps.payouts(region);
  const settings = (await store.settings(providerId)) ?? PAYOUT_SETTINGS_DEFAULT;
  if (settings.recovery === 'carry') return carry(deps, store, { recovery, reason: 'as_set' });
  if (await store.isReversing(providerId, currency)) return 'waiting';
  const plan = planRecovery(recovery, await store.statedOf(recovery));
  switch (plan.kind) {
    case 'wait':
      return 'waiting';
    case 'carry':
      return carry(deps, store, { recovery, reason: plan.reason });
    case 'reverse':
      return reverse(deps, region, { ...plan, recovery });
  }
}

async function reverse(
  deps: PayoutDeps,
  region: DataRegion,
  wanted: {
    readonly recovery: Recovery;
    readonly payoutId: string;
    readonly amountMinor: number;
  },
): Promise<PayoutEnd> {
  const { recovery, payoutId, amountMinor } = wanted;
  const { gateway } = deps;
  const store = deps.payouts(region);
  const payout = await store.byId(payoutId);
  // Where nobody pays out any more, only an operator can tell how the money comes back.
  if (gateway === null || payout === null) return 'waiting';
  const work = { payout, store, ledger: deps.ledger(region), gateway };
  const command = { amountMinor, actor: PAYOUT_ACTOR, cause: { recovery } };
  const begun = await reversePayout(deps, work, command);
  // Refused by what somebody else has just changed: looked at again.
  return begun.ok ? begun.value : 'waiting';
}

async function carry(
  { clock }: Pick<PayoutDeps, 'clock'>,
  store: PayoutStore,
  { recovery, reason }: { readonly recovery: Recovery; readonly reason: string },
): Promise<PayoutEnd> {
  const carried = movedRecovery(recovery, 'carry', { reason, settledAtMs: clock.nowMs() });
  return (await store.carryRecovery(carried)) ? 'carried' : 'busy';
}
