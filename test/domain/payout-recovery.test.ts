/** What may be taken back of a transfer: what it moved too much, and nothing that something else made up for. */
import { describe, expect, it } from 'vitest';
import { reachable } from '../../src/domain/machine.ts';
import type { MovedMoney } from '../../src/domain/ledger/booking-money.ts';
import { RECOVERY_MACHINE } from '../../src/domain/payout/recovery-machine.ts';
import {
  planRecovery,
  recoveriesOf,
  type Recovery,
  type StatedLine,
  type StatedPayout,
} from '../../src/domain/payout/recovery.ts';
import { terminalStates, testEveryCell } from './machine-table.ts';

const FACT: MovedMoney = {
  eventId: 'evt_1',
  kind: 'refunded',
  bookingId: 'bkg_1',
  processor: 'stripe',
  processorRef: 'pi_1',
  entityRef: 're_1',
  amountMinor: 1_000,
  currency: 'usd',
  feeMinor: null,
  isEarned: true,
  providerId: 'prv_1',
  commissionMinor: 100,
  taxMinor: 0,
  serviceEndsAtMs: 0,
  atMs: 5,
};

const PAYOUT: StatedPayout = {
  id: 'pot_1',
  state: 'completed',
  method: 'processor',
  leftMinor: 9_000,
};

function recovery(amountMinor: number): Recovery {
  const [made] = recoveriesOf({ ...FACT, amountMinor: amountMinor + 100 });
  if (made === undefined) throw new Error('a refund is recovered');
  return made;
}

function line(amountMinor: number, payout: StatedPayout | null): StatedLine {
  return { amountMinor, payout };
}

describe('the machine of a recovery', () => {
  testEveryCell(
    RECOVERY_MACHINE,
    `
               reverse    settle    carry
    open       reversing  -         carried
    reversing  -          reversed  carried
    reversed   -          -         -
    carried    -          -         -
    `,
  );

  it('ends once, either way', () => {
    expect(terminalStates(RECOVERY_MACHINE)).toEqual(['carried', 'reversed']);
    expect([...reachable(RECOVERY_MACHINE, 'carried')]).toEqual(['carried']);
  });
});

describe('a recovery', () => {
  it('is the provider’s share of a refund or a lost dispute, and of nothing else', () => {
    expect(recoveriesOf(FACT)).toMatchObject([
      { id: 'recovery:evt_1', state: 'open', amountMinor: 900, bookingId: 'bkg_1' },
    ]);
    expect(recoveriesOf({ ...FACT, kind: 'dispute_lost' })).toHaveLength(1);
    for (const kind of ['captured', 'refund_failed', 'disputed', 'dispute_won'] as const) {
      expect(recoveriesOf({ ...FACT, kind })).toEqual([]);
    }
    expect(recoveriesOf({ ...FACT, isEarned: false, commissionMinor: 0 })).toEqual([]);
    expect(recoveriesOf({ ...FACT, commissionMinor: 1_000 })).toEqual([]);
  });

  it('takes back what was moved for the booking and is not earned any more', () => {
    const lines = [line(4_500, PAYOUT), line(-900, null)];
    const plan = { kind: 'reverse', payoutId: 'pot_1', amountMinor: 900 };
    expect(planRecovery(recovery(900), lines)).toEqual(plan);
    expect(planRecovery(recovery(500), lines)).toMatchObject({ amountMinor: 500 });
    expect(planRecovery(recovery(2_000), lines)).toMatchObject({ amountMinor: 900 });
  });

  it('takes no more than is left of the transfer', () => {
    const small = { ...PAYOUT, leftMinor: 300 };
    const lines = [line(4_500, small), line(-900, null)];
    expect(planRecovery(recovery(900), lines)).toMatchObject({ amountMinor: 300 });
    const none = [line(4_500, { ...PAYOUT, leftMinor: 0 }), line(-900, null)];
    expect(planRecovery(recovery(900), none)).toEqual({ kind: 'carry', reason: 'nothing_left' });
  });

  it.each([
    ['was not paid out', [line(4_500, null), line(-900, null)]],
    ['is owed and was never paid', [line(4_500, null), line(-4_501, null)]],
    ['was netted with its capture', [line(4_500, PAYOUT), line(-900, PAYOUT)]],
    ['was netted later', [line(4_500, PAYOUT), line(-900, { ...PAYOUT, id: 'pot_2' })]],
    ['was taken back before', [line(4_500, PAYOUT), line(-900, null), line(900, null)]],
    ['is still earned otherwise', [line(4_500, PAYOUT), line(2_000, null), line(-900, null)]],
  ])('is carried where the money %s', (_, lines) => {
    const plan = { kind: 'carry', reason: 'not_transferred' };
    expect(planRecovery(recovery(900), lines)).toEqual(plan);
  });

  it('is carried where the provider was paid by bank', () => {
    const lines = [line(4_500, { ...PAYOUT, method: 'manual' }), line(-900, null)];
    expect(planRecovery(recovery(900), lines)).toEqual({ kind: 'carry', reason: 'paid_by_bank' });
  });

  it.each(['scheduled', 'processing'] as const)('waits while its payout is %s', (state) => {
    const lines = [line(4_500, { ...PAYOUT, state }), line(-900, null)];
    expect(planRecovery(recovery(900), lines)).toEqual({ kind: 'wait' });
  });
});
