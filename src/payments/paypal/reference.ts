/**
 * Our ids on PayPal's objects. PayPal has one free field, `custom_id`, so both ids of a reference share it:
 * `bkg_…:pay_…` or `sub_…:chg_…`. Used by the other files of this folder. Pure.
 */
import type { PaymentReference } from '../../application/ports.ts';

/** Longest custom_id of the Orders API, in characters; a reference has less than a hundred. */
const CUSTOM_ID = /^(bkg_.{1,120}?|sub_.{1,120}?):((?:pay|chg)_.{1,120})$/;

/** The reference as PayPal keeps it. */
export function customIdOf(reference: PaymentReference): string {
  return 'bookingId' in reference
    ? `${reference.bookingId}:${reference.paymentId}`
    : `${reference.subscriptionId}:${reference.chargeId}`;
}

/** The reference of an object; null for somebody else's. */
export function referenceOf(customId: string | null | undefined): PaymentReference | null {
  const [, owner, attempt] = CUSTOM_ID.exec(customId ?? '') ?? [];
  if (owner === undefined || attempt === undefined) return null;
  if (owner.startsWith('bkg_') && attempt.startsWith('pay_')) {
    return { bookingId: owner, paymentId: attempt };
  }
  return owner.startsWith('sub_') && attempt.startsWith('chg_')
    ? { subscriptionId: owner, chargeId: attempt }
    : null;
}

/** The reference in the words that the use cases read. */
export function metadataOf(customId: string | null | undefined): Record<string, string> {
  const reference = referenceOf(customId);
  if (reference === null) return {};
  return 'bookingId' in reference
    ? { booking_id: reference.bookingId, payment_id: reference.paymentId }
    : { subscription_id: reference.subscriptionId, charge_id: reference.chargeId };
}

/** The one id of a payment that is never used for another: PayPal takes an invoice id once. */
export function invoiceIdOf(reference: PaymentReference): string {
  return 'bookingId' in reference ? reference.paymentId : reference.chargeId;
}
