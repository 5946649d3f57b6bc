/**
 * The people who can pay here, by the name a test or the payer's page chooses, and what follows from
 * each choice. Owns the table of effects; the transitions they lead to are in orders.ts, captures.ts,
 * refunds.ts, disputes.ts and vault.ts.
 */

/** Everything that follows from choosing one payer. */
export interface TestPayer {
  readonly name: string;
  /** What asking for the money of an approved order leads to. */
  readonly funding: 'works' | 'declined' | 'reviewed' | 'denied_after_review';
  readonly capture: 'works' | 'pending' | 'declined' | 'declined_later' | 'refused_late';
  readonly refund: 'works' | 'pending' | 'fails_later' | 'refused';
  readonly dispute: 'chargeback' | 'inquiry' | null;
  /** True when the kept agreement is refused once the payer is not there. */
  readonly isAgreementRefused: boolean;
}

const payer = (effects: Partial<Omit<TestPayer, 'name'>> = {}): Omit<TestPayer, 'name'> => ({
  funding: 'works',
  capture: 'works',
  refund: 'works',
  dispute: null,
  isAgreementRefused: false,
  ...effects,
});

const PAYERS: Readonly<Record<string, Omit<TestPayer, 'name'>>> = {
  payer_ok: payer(),
  payer_instrument_declined: payer({ funding: 'declined' }),
  payer_authorization_pending: payer({ funding: 'reviewed' }),
  payer_authorization_denied: payer({ funding: 'denied_after_review' }),
  payer_capture_pending: payer({ capture: 'pending' }),
  payer_capture_declined: payer({ capture: 'declined' }),
  payer_capture_declined_later: payer({ capture: 'declined_later' }),
  payer_capture_refused_late: payer({ capture: 'refused_late' }),
  payer_refund_pending: payer({ refund: 'pending' }),
  payer_refund_failed: payer({ refund: 'fails_later' }),
  payer_refund_refused: payer({ refund: 'refused' }),
  payer_dispute: payer({ dispute: 'chargeback' }),
  payer_inquiry: payer({ dispute: 'inquiry' }),
  payer_agreement_refused: payer({ isAgreementRefused: true }),
};

/** Who pays unless somebody else is named. */
export const DEFAULT_PAYER = 'payer_ok';

/** Names offered on the page, in the order shown. */
export const PAYER_CHOICES: readonly string[] = Object.keys(PAYERS);

/** The payer of that name, or null. */
export function findPayer(name: string): TestPayer | null {
  const found = Object.hasOwn(PAYERS, name) ? PAYERS[name] : undefined;
  return found ? { name, ...found } : null;
}

/** The payer behind a kept name. Errors: throws when the books name nobody. */
export function knownPayer(name: string | null): TestPayer {
  const found = findPayer(name ?? '');
  if (found) return found;
  throw new Error(`The books name an unknown payer ${String(name)}.`);
}
