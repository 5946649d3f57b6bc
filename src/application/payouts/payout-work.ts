/** What the payouts' use cases share while they move one on. Holds no decision. */
import type { Payout } from '../../domain/payout/payout.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { LedgerStore } from '../ledger-ports.ts';
import type { PayoutGateway } from '../ports.ts';
import type { PayoutStore } from './payout-ports.ts';

/** Longer than a call may take, so that two runs are not at work on one payout. */
export const PAYOUT_LEASE_MS = 15 * SECOND_MS;

/** The run, as the history of a payout names it. */
export const PAYOUT_ACTOR = 'system:payouts';

/** What came of a look: `busy` when somebody else was first, `waiting` when it is too early for anything. */
export type PayoutEnd =
  | 'completed'
  | 'retried'
  | 'failed'
  | 'cancelled'
  | 'unsettled'
  | 'reversed'
  | 'carried'
  | 'waiting'
  | 'busy';

/** One payout with the stores of its region. */
export interface PayoutWork {
  readonly payout: Payout;
  readonly store: PayoutStore;
  readonly ledger: Pick<LedgerStore, 'post' | 'payable'>;
  readonly gateway: PayoutGateway;
}
