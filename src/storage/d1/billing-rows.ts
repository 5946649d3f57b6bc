/**
 * Rows of subscriptions and charges as objects of the domain, and back. Invoices and credit notes are rows as they are.
 * Called by the repository of billing alone.
 */
import type { Charge, Subscription } from '../../domain/subscription/subscription.ts';
import type { charge, subscription } from './schema/billing.ts';

type SubscriptionRow = typeof subscription.$inferSelect;
type ChargeRow = typeof charge.$inferSelect;

/** What was pushed is no part of the subscription: it is written by itself, without a version. */
export function toSubscriptionRow(value: Subscription): Omit<SubscriptionRow, 'pushedVersion'> {
  const { method, ...rest } = value;
  return { ...rest, methodProcessor: method?.processor ?? null, methodRef: method?.ref ?? null };
}

export function fromSubscriptionRow(row: SubscriptionRow): Subscription {
  const { methodProcessor, methodRef, pushedVersion: _pushedVersion, ...rest } = row;
  const method = methodProcessor === null ? null : { processor: methodProcessor, ref: methodRef };
  return { ...rest, method };
}

export function toChargeRow(value: Charge): ChargeRow {
  const { call, ...rest } = value;
  return { ...rest, callKind: call?.kind ?? null, callSeq: call?.seq ?? null };
}

export function fromChargeRow(row: ChargeRow): Charge {
  const { callKind, callSeq, ...rest } = row;
  const call = callKind === null || callSeq === null ? null : { kind: callKind, seq: callSeq };
  return { ...rest, call };
}
