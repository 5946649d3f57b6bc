/**
 * The money of bookings in a shard's storage: attempts to pay, the calls made for them, refunds and disputes.
 * Part of the shard's store; transactions are the caller's, and the guards in the schema refuse what must never be.
 */
import type { InventoryStore } from '../../application/inventory-store.ts';
import type { Dispute, Operation, Payment, Refund } from '../../domain/booking/booking.ts';
import { disputeFromRow, operationFromRow, refundFromRow } from './inventory-rows.ts';
import type { SqlAccess } from './sqlite-record-store.ts';

/** Writes an attempt to pay. */
export function savePayment(run: SqlAccess['run'], payment: Payment): void {
  run(
    `INSERT INTO payment (id, booking_id, attempt, state, processor, ref, payment_method, return_url, amount_minor,
       currency, authorized_minor, captured_minor, refunded_minor, earned_minor, earned_refunded_minor, lost_minor,
       fee_minor, review, capture_before_ms, action, decline_code, due_at_ms, fruitless_looks, is_ended, successor,
       customer_ref, commission_minor, tax_minor, purpose)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, ref = excluded.ref,
       currency = excluded.currency, authorized_minor = excluded.authorized_minor, captured_minor = excluded.captured_minor,
       refunded_minor = excluded.refunded_minor, earned_minor = excluded.earned_minor,
       earned_refunded_minor = excluded.earned_refunded_minor, lost_minor = excluded.lost_minor,
       fee_minor = excluded.fee_minor, review = excluded.review, capture_before_ms = excluded.capture_before_ms,
       action = excluded.action, decline_code = excluded.decline_code, due_at_ms = excluded.due_at_ms,
       fruitless_looks = excluded.fruitless_looks, is_ended = excluded.is_ended, successor = excluded.successor,
       commission_minor = excluded.commission_minor, tax_minor = excluded.tax_minor`,
    payment.id,
    payment.bookingId,
    payment.attempt,
    payment.state,
    payment.processor,
    payment.ref,
    payment.paymentMethod,
    payment.returnUrl,
    payment.amountMinor,
    payment.currency,
    payment.authorizedMinor,
    payment.capturedMinor,
    payment.refundedMinor,
    payment.earnedMinor,
    payment.earnedRefundedMinor,
    payment.lostMinor,
    payment.feeMinor,
    payment.review,
    payment.captureBeforeMs,
    payment.action === null ? null : JSON.stringify(payment.action),
    payment.declineCode,
    payment.dueAtMs,
    payment.fruitlessLooks,
    payment.isEnded ? 1 : 0,
    payment.successor === null ? null : JSON.stringify(payment.successor),
    payment.customerRef,
    payment.shares?.commissionMinor ?? null,
    payment.shares?.taxMinor ?? null,
    payment.purpose,
  );
}

type OperationMethods =
  | 'operation'
  | 'operationsOf'
  | 'saveOperation'
  | 'refund'
  | 'refundsOf'
  | 'saveRefund'
  | 'disputesOf'
  | 'saveDispute';

/** Operations, refunds and disputes. */
export function operationStore({
  all,
  one,
  run,
}: SqlAccess): Pick<InventoryStore, OperationMethods> {
  return {
    operation(id) {
      const row = one('SELECT * FROM operation WHERE id = ?', id);
      return row === null ? null : operationFromRow(row);
    },
    operationsOf: (paymentId) =>
      all(
        'SELECT * FROM operation WHERE payment_id = ? ORDER BY created_at_ms, seq',
        paymentId,
      ).map(operationFromRow),
    saveOperation(operation: Operation) {
      run(
        `INSERT INTO operation (id, payment_id, booking_id, kind, seq, state, idempotency_key, amount_minor, refund_id,
           lease_until_ms, lost_to, error_code, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, lease_until_ms = excluded.lease_until_ms,
           lost_to = excluded.lost_to, error_code = excluded.error_code`,
        operation.id,
        operation.paymentId,
        operation.bookingId,
        operation.kind,
        operation.seq,
        operation.state,
        operation.idempotencyKey,
        operation.amountMinor,
        operation.refundId,
        operation.leaseUntilMs,
        operation.lostTo,
        operation.errorCode,
        operation.createdAtMs,
      );
    },
    refund(id) {
      const row = one('SELECT * FROM refund WHERE id = ?', id);
      return row === null ? null : refundFromRow(row);
    },
    refundsOf: (bookingId) =>
      all('SELECT * FROM refund WHERE booking_id = ? ORDER BY created_at_ms', bookingId).map(
        refundFromRow,
      ),
    saveRefund: (refund) => saveRefund(run, refund),
    disputesOf: (paymentId) =>
      all('SELECT * FROM dispute WHERE payment_id = ? ORDER BY created_at_ms, id', paymentId).map(
        disputeFromRow,
      ),
    saveDispute: (dispute) => saveDispute(run, dispute),
  };
}

function saveRefund(run: SqlAccess['run'], refund: Refund): void {
  run(
    `INSERT INTO refund (id, payment_id, booking_id, amount_minor, earned_minor, state, ref, claim_url, is_external,
       commission_minor, tax_minor, reason, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, ref = excluded.ref, claim_url = excluded.claim_url,
       commission_minor = excluded.commission_minor, tax_minor = excluded.tax_minor`,
    refund.id,
    refund.paymentId,
    refund.bookingId,
    refund.amountMinor,
    refund.earnedMinor,
    refund.state,
    refund.ref,
    refund.claimUrl,
    refund.isExternal ? 1 : 0,
    refund.commissionMinor,
    refund.taxMinor,
    refund.reason,
    refund.createdAtMs,
  );
}

function saveDispute(run: SqlAccess['run'], dispute: Dispute): void {
  run(
    `INSERT INTO dispute (id, payment_id, booking_id, processor, ref, state, amount_minor, currency, earned_minor,
       commission_minor, tax_minor, reason, evidence_due_at_ms, created_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, amount_minor = excluded.amount_minor,
       earned_minor = excluded.earned_minor, commission_minor = excluded.commission_minor,
       tax_minor = excluded.tax_minor, reason = excluded.reason, evidence_due_at_ms = excluded.evidence_due_at_ms`,
    dispute.id,
    dispute.paymentId,
    dispute.bookingId,
    dispute.processor,
    dispute.ref,
    dispute.state,
    dispute.amountMinor,
    dispute.currency,
    dispute.earnedMinor,
    dispute.commissionMinor,
    dispute.taxMinor,
    dispute.reason,
    dispute.evidenceDueAtMs,
    dispute.createdAtMs,
  );
}
