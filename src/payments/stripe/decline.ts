/**
 * Which declines are worth another try, and by whom. Data, with one function over it.
 * Source: Stripe documentation, "Decline codes", "Retrying issuer declines" and "Error codes".
 */

/** never: this card must not be tried again. later: the same card may work. payer: the payer has to do something. */
export type DeclineRetry = 'never' | 'later' | 'payer';

/** The issuer's own advice, which comes before our lists. */
const BY_ADVICE: Readonly<Record<string, DeclineRetry>> = {
  do_not_try_again: 'never',
  try_again_later: 'later',
  confirm_card_data: 'payer',
};

/** The card network's advice: 01 new account data, 02 not now, 03 and 21 do not try again. */
const BY_NETWORK_ADVICE: Readonly<Record<string, DeclineRetry>> = {
  '01': 'payer',
  '02': 'later',
  '03': 'never',
  '21': 'never',
};

const BY_CODE: Readonly<Record<string, DeclineRetry>> = {
  // A passing condition of the account, the issuer or the line.
  insufficient_funds: 'later',
  processing_error: 'later',
  try_again_later: 'later',
  issuer_not_available: 'later',
  reenter_transaction: 'later',
  generic_decline: 'later',
  do_not_honor: 'later',
  card_declined: 'later',
  card_velocity_exceeded: 'later',
  withdrawal_count_limit_exceeded: 'later',
  card_decline_rate_limit_exceeded: 'later',
  balance_insufficient: 'later',
  // Trying these again brings fees or a blocked merchant account.
  incorrect_number: 'never',
  invalid_account: 'never',
  lost_card: 'never',
  stolen_card: 'never',
  pickup_card: 'never',
  restricted_card: 'never',
  security_violation: 'never',
  fraudulent: 'never',
  merchant_blacklist: 'never',
  stop_payment_order: 'never',
  revocation_of_authorization: 'never',
  revocation_of_all_authorizations: 'never',
  transaction_not_allowed: 'never',
  highest_risk_level: 'never',
  charge_disputed: 'never',
  charge_not_refundable: 'never',
  refund_disputed_payment: 'never',
  // Another card, right data or an authentication helps.
  expired_card: 'payer',
  incorrect_cvc: 'payer',
  card_not_supported: 'payer',
  authentication_required: 'payer',
  authentication_failure: 'payer',
  payment_intent_authentication_failure: 'payer',
  setup_intent_authentication_failure: 'payer',
};

/** No advice changes these: the issuer asks for the payer, so another try without them ends the same way. */
const ASKS_PAYER: ReadonlySet<string> = new Set([
  'authentication_required',
  'authentication_not_handled',
]);

/** The retry class; an unknown code is the payer's, because nothing may be charged again unasked. */
export function retryOfDecline(decline: {
  code: string;
  adviceCode: string | undefined;
  networkAdviceCode: string | undefined;
}): DeclineRetry {
  if (ASKS_PAYER.has(decline.code)) return 'payer';
  return (
    BY_ADVICE[decline.adviceCode ?? ''] ??
    BY_NETWORK_ADVICE[decline.networkAdviceCode ?? ''] ??
    BY_CODE[decline.code] ??
    'payer'
  );
}
