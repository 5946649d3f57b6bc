/** Maps rows of a shard's tables to domain shapes. The schema's CHECKs vouch for the values. */
import type { QuotaNotice, QuotaUses } from '../../contracts/membership-rpc.ts';
import type { ChainEvent } from '../../contracts/shard-streams.ts';
import type {
  Dispute,
  Operation,
  Payment,
  PaymentChoice,
  Refund,
} from '../../domain/booking/booking.ts';
import type { Slot } from '../../domain/inventory/cards.ts';
import type { Claim } from '../../domain/inventory/claim.ts';
import type { PaymentAction } from '../../domain/payment/processor-reply.ts';

/** A row as SQLite gives it. */
export type Row = Record<string, SqlStorageValue>;

/**
 * Columns of a slot and of a claim, in the order in which `…FromValues` takes them. By position, because a shard reads all
 * of them at its start, and rows as objects cost several times as much.
 */
export const SLOT_COLUMNS =
  'id, service_id, start_at_ms, end_at_ms, resource_id, capacity, price_minor, price_currency, fares, rule_id, ' +
  'blocked_reason, version';
export const CLAIM_COLUMNS =
  'slot_id, resource_id, unit, quantity, start_at_ms, end_at_ms, fare_id';

export function slotFromValues(values: readonly SqlStorageValue[]): Slot {
  const [priceMinor, currency, fares] = values.slice(6, 9);
  return {
    id: values[0] as string,
    serviceId: values[1] as string,
    startAtMs: values[2] as number,
    endAtMs: values[3] as number,
    resourceId: values[4] as string | null,
    capacity: values[5] as number | null,
    price:
      priceMinor === null ? null : { amount: priceMinor as number, currency: currency as string },
    fares: fares === null ? null : (JSON.parse(fares as string) as Slot['fares']),
    ruleId: values[9] as string | null,
    blockedReason: values[10] as string | null,
    version: values[11] as number,
  };
}

export function claimFromValues(values: readonly SqlStorageValue[]): Claim {
  return {
    slotId: values[0] as string,
    resourceId: values[1] as string,
    unit: values[2] === '' ? null : (values[2] as string),
    quantity: values[3] as number,
    span: { startAtMs: values[4] as number, endAtMs: values[5] as number },
    fareId: values[6] === '' ? null : (values[6] as string),
  };
}

export function paymentFromRow(row: Row): Payment {
  return {
    id: row['id'] as string,
    bookingId: row['booking_id'] as string,
    attempt: row['attempt'] as number,
    purpose: row['purpose'] as Payment['purpose'],
    state: row['state'] as Payment['state'],
    processor: row['processor'] as Payment['processor'],
    ref: row['ref'] as string | null,
    paymentMethod: row['payment_method'] as string | null,
    customerRef: row['customer_ref'] as string | null,
    returnUrl: row['return_url'] as string | null,
    amountMinor: row['amount_minor'] as number,
    currency: row['currency'] as string,
    authorizedMinor: row['authorized_minor'] as number,
    capturedMinor: row['captured_minor'] as number,
    refundedMinor: row['refunded_minor'] as number,
    earnedMinor: row['earned_minor'] as number,
    earnedRefundedMinor: row['earned_refunded_minor'] as number,
    shares:
      row['commission_minor'] === null
        ? null
        : {
            commissionMinor: row['commission_minor'] as number,
            taxMinor: row['tax_minor'] as number,
          },
    lostMinor: row['lost_minor'] as number,
    feeMinor: row['fee_minor'] as number | null,
    review: row['review'] as string | null,
    captureBeforeMs: row['capture_before_ms'] as number | null,
    action: row['action'] === null ? null : (JSON.parse(row['action'] as string) as PaymentAction),
    declineCode: row['decline_code'] as string | null,
    dueAtMs: row['due_at_ms'] as number | null,
    fruitlessLooks: row['fruitless_looks'] as number,
    isEnded: row['is_ended'] === 1,
    successor:
      row['successor'] === null ? null : (JSON.parse(row['successor'] as string) as PaymentChoice),
  };
}

export function operationFromRow(row: Row): Operation {
  return {
    id: row['id'] as string,
    paymentId: row['payment_id'] as string,
    bookingId: row['booking_id'] as string,
    kind: row['kind'] as Operation['kind'],
    seq: row['seq'] as number,
    state: row['state'] as Operation['state'],
    idempotencyKey: row['idempotency_key'] as string,
    amountMinor: row['amount_minor'] as number,
    refundId: row['refund_id'] as string | null,
    leaseUntilMs: row['lease_until_ms'] as number,
    lostTo: row['lost_to'] as Operation['lostTo'],
    errorCode: row['error_code'] as string | null,
    createdAtMs: row['created_at_ms'] as number,
  };
}

export function refundFromRow(row: Row): Refund {
  return {
    id: row['id'] as string,
    paymentId: row['payment_id'] as string,
    bookingId: row['booking_id'] as string,
    amountMinor: row['amount_minor'] as number,
    earnedMinor: row['earned_minor'] as number,
    state: row['state'] as Refund['state'],
    ref: row['ref'] as string | null,
    claimUrl: row['claim_url'] as string | null,
    isExternal: row['is_external'] === 1,
    commissionMinor: row['commission_minor'] as number,
    taxMinor: row['tax_minor'] as number,
    reason: row['reason'] as string,
    createdAtMs: row['created_at_ms'] as number,
  };
}

export function disputeFromRow(row: Row): Dispute {
  return {
    id: row['id'] as string,
    paymentId: row['payment_id'] as string,
    bookingId: row['booking_id'] as string,
    processor: row['processor'] as Dispute['processor'],
    ref: row['ref'] as string,
    state: row['state'] as Dispute['state'],
    amountMinor: row['amount_minor'] as number,
    currency: row['currency'] as string,
    earnedMinor: row['earned_minor'] as number,
    commissionMinor: row['commission_minor'] as number,
    taxMinor: row['tax_minor'] as number,
    reason: row['reason'] as string | null,
    evidenceDueAtMs: row['evidence_due_at_ms'] as number | null,
    createdAtMs: row['created_at_ms'] as number,
  };
}

export function noticeFromRow(row: Row): QuotaNotice {
  return {
    seq: row['seq'] as number,
    memberId: row['member_id'] as string,
    outcome: {
      grantId: row['grant_id'] as string,
      state: row['state'] as QuotaNotice['outcome']['state'],
      uses: JSON.parse(row['uses'] as string) as QuotaUses,
    },
  };
}

export function eventFromRow(row: Row): ChainEvent {
  return {
    seq: row['seq'] as number,
    id: row['id'] as string,
    entityId: row['entity_id'] as string,
    parentId: row['parent_id'] as string | null,
    type: row['type'] as string,
    from: row['from_state'] as string | null,
    to: row['to_state'] as string,
    actor: row['actor'] as string,
    reason: row['reason'] as string | null,
    metadata: JSON.parse(row['metadata'] as string) as ChainEvent['metadata'],
    atMs: row['at_ms'] as number,
    previousHash: row['previous_hash'] as string,
    hash: row['hash'] as string,
  };
}
