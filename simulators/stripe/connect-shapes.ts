/**
 * The wire shapes of Connect's objects, as far as the simulator fills them. Types only.
 * Amounts are integers in the currency's minor unit, instants Unix seconds.
 * Source: Stripe API reference 2026-10-28.endive; test/simulators checks them against the SDK's types.
 */
import type { Metadata } from './shapes.ts';

/** What an account still has to show. */
export interface RequirementsObject {
  alternatives: [];
  current_deadline: null;
  currently_due: string[];
  disabled_reason: 'requirements.past_due' | 'requirements.pending_verification' | null;
  errors: [];
  eventually_due: string[];
  past_due: string[];
  pending_verification: string[];
}

/** The bank account that an account is paid out to. */
export interface BankAccountObject {
  id: string;
  object: 'bank_account';
  account: string;
  account_holder_name: null;
  account_holder_type: null;
  account_type: null;
  available_payout_methods: 'standard'[];
  bank_name: string;
  country: string;
  currency: string;
  default_for_currency: boolean;
  fingerprint: string;
  last4: string;
  metadata: Metadata;
  routing_number: string;
  status: 'new' | 'errored';
}

/** A connected account. */
export interface AccountObject {
  id: string;
  object: 'account';
  business_profile: null;
  business_type: 'individual' | null;
  capabilities: { transfers?: 'active' | 'inactive' | 'pending' };
  charges_enabled: boolean;
  controller: {
    fees: { payer: 'application' };
    is_controller: true;
    losses: { payments: 'application' };
    requirement_collection: 'stripe';
    stripe_dashboard: { type: 'express' };
    type: 'application';
  };
  country: string;
  created: number;
  default_currency: string;
  details_submitted: boolean;
  email: string | null;
  external_accounts: {
    object: 'list';
    data: BankAccountObject[];
    has_more: false;
    url: string;
  };
  metadata: Metadata;
  payouts_enabled: boolean;
  requirements: RequirementsObject;
  type: 'none';
}

/** A link to the onboarding pages. The wire shows `object`, `created`, `expires_at` and `url` alone. */
export interface AccountLinkObject {
  id: string;
  object: 'account_link';
  account: string;
  created: number;
  expires_at: number;
  is_used: boolean;
  refresh_url: string;
  return_url: string;
  url: string;
}

/** Money of the platform's balance on its way to a connected account. */
export interface TransferObject {
  id: string;
  object: 'transfer';
  amount: number;
  amount_reversed: number;
  balance_transaction: string;
  created: number;
  currency: string;
  description: string | null;
  destination: string;
  destination_payment: string;
  livemode: false;
  metadata: Metadata;
  reversals: {
    object: 'list';
    data: TransferReversalObject[];
    has_more: boolean;
    url: string;
  };
  reversed: boolean;
  source_transaction: null;
  source_type: 'card';
  transfer_group: string | null;
}

/** A part of a transfer that was taken back. */
export interface TransferReversalObject {
  id: string;
  object: 'transfer_reversal';
  amount: number;
  balance_transaction: string;
  created: number;
  currency: string;
  destination_payment_refund: null;
  metadata: Metadata;
  source_refund: null;
  transfer: string;
}

/** A connected account's payout to its bank. */
export interface PayoutObject {
  id: string;
  object: 'payout';
  amount: number;
  application_fee: null;
  application_fee_amount: null;
  arrival_date: number;
  automatic: true;
  balance_transaction: null;
  created: number;
  currency: string;
  description: string;
  destination: string;
  failure_balance_transaction: null;
  failure_code: string | null;
  failure_message: string | null;
  livemode: false;
  metadata: Metadata;
  method: 'standard';
  original_payout: null;
  payout_method: null;
  reconciliation_status: 'completed' | 'in_progress';
  reversed_by: null;
  source_type: 'card';
  statement_descriptor: null;
  status: 'in_transit' | 'paid' | 'failed';
  trace_id: null;
  type: 'bank_account';
}
