/**
 * Which payment an event of PayPal's is about. Shared by webhooks and by the list of past events. Pure: an event leads to
 * an order, and never says how it stands.
 */
import type { PaymentReference } from '../../application/ports.ts';
import { referenceOf } from './reference.ts';
import type { PaypalEvent } from './wire.ts';

/** The order of an event; null where the event does not name it. */
export function orderRefOf({ event_type: type, resource }: PaypalEvent): string | null {
  if (type.startsWith('CHECKOUT.ORDER.')) return resource.id ?? null;
  return resource.order_id ?? resource.supplementary_data?.related_ids?.order_id ?? null;
}

/** Our ids, where the event carries them: on the object itself, its purchase unit, or what was disputed. */
export function eventReferenceOf({ resource }: PaypalEvent): PaymentReference | null {
  const customIds = [
    resource.custom_id,
    resource.purchase_units?.[0]?.custom_id,
    resource.disputed_transactions?.[0]?.custom,
  ];
  for (const customId of customIds) {
    const reference = referenceOf(customId);
    if (reference !== null) return reference;
  }
  return null;
}
