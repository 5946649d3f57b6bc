/**
 * The test payment methods by name and what each does. Owns the table of effects; the transitions
 * they lead to are in payment-attempt.ts, refunds.ts and disputes.ts.
 * Source: Stripe documentation, "Testing" (cards, declines, 3D Secure, disputes, refunds). The wallets' names are this
 * simulator's own: Stripe's test wallets live in a browser.
 */

/** How the issuer refuses a charge. */
export interface Decline {
  readonly code: string;
  readonly declineCode: string;
  readonly adviceCode: string;
  readonly message: string;
}

/** When the issuer wants the payer to authenticate. */
export type AuthenticationRule =
  | 'never'
  /** Every time; an off-session charge is declined. */
  | 'always'
  /** Until it was set up for off-session use. */
  | 'unless_set_up'
  /** On-session always, off-session never, as though it had been set up elsewhere. */
  | 'on_session_only';

/** Everything that follows from choosing one test payment method. */
export interface TestCard {
  readonly name: string;
  readonly last4: string;
  readonly brand: string;
  readonly decline: Decline | null;
  /** True when the refusal comes with a charge only, not when the card is saved. */
  readonly isSavable: boolean;
  readonly authentication: AuthenticationRule;
  readonly dispute: 'fraudulent' | 'product_not_received' | 'inquiry' | null;
  readonly refund: 'succeeds' | 'pending' | 'fails_later';
  /** True for a debit from a bank account: `processing` first, settled on the virtual clock. */
  readonly isBankDebit: boolean;
  /** The wallet that hands the card over; the payer's device has authenticated them already. */
  readonly wallet: 'apple_pay' | 'google_pay' | null;
}

const decline = (
  code: string,
  declineCode: string,
  rest: { readonly advice?: string; readonly message?: string } = {},
): Decline => ({
  code,
  declineCode,
  adviceCode: rest.advice ?? 'try_again_later',
  message: rest.message ?? 'Your card was declined.',
});

const GENERIC = decline('card_declined', 'generic_decline');
const INSUFFICIENT = decline('card_declined', 'insufficient_funds', {
  message: 'Your card has insufficient funds.',
});
const card = (last4: string, effects: Partial<Omit<TestCard, 'name' | 'last4'>> = {}) => ({
  last4,
  brand: effects.brand ?? 'visa',
  decline: effects.decline ?? null,
  isSavable: effects.isSavable ?? effects.decline === undefined,
  authentication: effects.authentication ?? ('never' as const),
  dispute: effects.dispute ?? null,
  refund: effects.refund ?? ('succeeds' as const),
  isBankDebit: effects.isBankDebit ?? false,
  wallet: effects.wallet ?? null,
});

/** By the name behind `pm_card_` or `tok_`; `visa_` in front of an effect may be left out. */
const CARDS: Readonly<Record<string, Omit<TestCard, 'name'>>> = {
  visa: card('4242'),
  visa_debit: card('5556'),
  mastercard: card('4444', { brand: 'mastercard' }),
  mastercard_debit: card('8210', { brand: 'mastercard' }),
  amex: card('8431', { brand: 'amex' }),
  discover: card('9424', { brand: 'discover' }),
  diners: card('3220', { brand: 'diners' }),
  jcb: card('2073', { brand: 'jcb' }),
  unionpay: card('0005', { brand: 'unionpay' }),
  chargeDeclined: card('0002', { decline: GENERIC }),
  chargeDeclinedInsufficientFunds: card('9995', { decline: INSUFFICIENT }),
  chargeDeclinedLostCard: card('9987', {
    decline: decline('card_declined', 'lost_card', { advice: 'do_not_try_again' }),
  }),
  chargeDeclinedStolenCard: card('9979', {
    decline: decline('card_declined', 'stolen_card', { advice: 'do_not_try_again' }),
  }),
  chargeDeclinedFraudulent: card('0019', {
    decline: decline('card_declined', 'fraudulent', { advice: 'do_not_try_again' }),
  }),
  chargeDeclinedExpiredCard: card('0069', {
    decline: decline('expired_card', 'expired_card', {
      advice: 'do_not_try_again',
      message: 'Your card has expired.',
    }),
  }),
  chargeDeclinedIncorrectCvc: card('0127', {
    decline: decline('incorrect_cvc', 'incorrect_cvc', {
      advice: 'confirm_card_data',
      message: "Your card's security code is incorrect.",
    }),
  }),
  chargeDeclinedProcessingError: card('0119', {
    decline: decline('processing_error', 'processing_error', {
      message: 'An error occurred while processing your card. Try again in a little bit.',
    }),
  }),
  chargeCustomerFail: card('0341', { decline: GENERIC, isSavable: true }),
  authenticationRequiredOnSetup: card('3155', { authentication: 'unless_set_up' }),
  authenticationRequired: card('3184', { authentication: 'always' }),
  authenticationRequiredSetupForOffSession: card('0446', { authentication: 'on_session_only' }),
  authenticationRequiredChargeDeclinedInsufficientFunds: card('3178', {
    authentication: 'always',
    decline: INSUFFICIENT,
    isSavable: true,
  }),
  threeDSecure2Required: card('3220', { authentication: 'always' }),
  threeDSecureOptional: card('3055'),
  createDispute: card('0259', { dispute: 'fraudulent' }),
  createDisputeProductNotReceived: card('2685', { dispute: 'product_not_received' }),
  createDisputeInquiry: card('1976', { dispute: 'inquiry' }),
  pendingRefund: card('7726', { refund: 'pending' }),
  refundFail: card('5126', { refund: 'fails_later' }),
  bypassPending: card('0077'),
  applePay: card('4242', { wallet: 'apple_pay' }),
  applePayDeclined: card('9995', { wallet: 'apple_pay', decline: INSUFFICIENT }),
  googlePay: card('4242', { wallet: 'google_pay' }),
  googlePayDeclined: card('9995', { wallet: 'google_pay', decline: INSUFFICIENT }),
};

const BANK_DEBITS: Readonly<Record<string, Omit<TestCard, 'name'>>> = {
  success: card('6789', { isBankDebit: true }),
  insufficientFunds: card('2227', {
    isBankDebit: true,
    decline: decline('insufficient_funds', 'insufficient_funds', {
      message: 'The bank account has insufficient funds.',
    }),
    isSavable: true,
  }),
};

/** The refusal of an off-session charge, or of one that must not ask the payer. */
export const AUTHENTICATION_REQUIRED: Decline = decline(
  'authentication_required',
  'authentication_required',
  { message: 'Your card was declined. This transaction requires authentication.' },
);

/** Names offered to a payer on the page, in the order shown. */
export const PAYER_CHOICES: readonly string[] = [
  'pm_card_visa',
  'pm_card_mastercard',
  'pm_card_applePay',
  'pm_card_googlePay',
  'pm_card_authenticationRequired',
  'pm_card_chargeDeclined',
  'pm_card_visa_chargeDeclinedInsufficientFunds',
  'pm_card_chargeDeclinedExpiredCard',
  'pm_card_pendingRefund',
  'pm_card_createDispute',
];

/** How a card's wallet stands on a payment method and on a charge; null for a card that was typed in. */
export function walletOf({ wallet, last4 }: TestCard): CardWallet | null {
  return wallet === null ? null : { dynamic_last4: last4, type: wallet, [wallet]: {} };
}

/** The wallet in the wire's shape. */
export interface CardWallet {
  dynamic_last4: string;
  type: 'apple_pay' | 'google_pay';
  apple_pay?: Record<string, never>;
  google_pay?: Record<string, never>;
}

/** The test card behind a name such as `pm_card_visa` or `tok_visa`, or null. */
export function findTestCard(name: string): TestCard | null {
  const match = /^(?:pm_card_|tok_)(\w+)$/.exec(name);
  const rest = match?.[1];
  if (rest !== undefined) {
    const found = own(CARDS, rest) ?? own(CARDS, rest.replace(/^visa_/, ''));
    return found ? { name, ...found } : null;
  }
  const bank = /^pm_usBankAccount_(\w+)$/.exec(name)?.[1];
  const found = bank === undefined ? undefined : own(BANK_DEBITS, bank);
  return found ? { name, ...found } : null;
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
