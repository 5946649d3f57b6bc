/** What plans, subscriptions and their money need of storage. */
import type { ChainLink } from '../domain/chain.ts';
import type { Processor } from '../domain/payment/processor-reply.ts';
import type { PlanTerms } from '../domain/subscription/plan.ts';
import type {
  Charge,
  CreditNote,
  Invoice,
  Notice,
  Subscription,
} from '../domain/subscription/subscription.ts';
import type { EpochMs } from '../domain/time.ts';

export type PlanVersionStatus = 'draft' | 'published' | 'retired';

/** One version of a plan as it is stored: the terms never change, the status does. */
export interface PlanRecord {
  /** The plan's id, the same for all its versions. */
  readonly id: string;
  /** The operators' own name for the plan; unique. */
  readonly code: string;
  readonly terms: PlanTerms;
  readonly status: PlanVersionStatus;
  readonly createdAtMs: EpochMs;
}

/** Plans; all in the global database. */
export interface PlanStore {
  /** Writes a new plan with its first version; `taken` when the code names another plan. A repeat changes nothing. */
  insert(plan: PlanRecord): Promise<'done' | 'taken'>;
  /** Writes a further version; `taken` when the number exists. */
  insertVersion(plan: PlanRecord): Promise<'done' | 'taken'>;
  /** The newest version. */
  newest(planId: string): Promise<PlanRecord | null>;
  version(planId: string, version: number): Promise<PlanRecord | null>;
  /** The version on sale. */
  onSale(planId: string): Promise<PlanRecord | null>;
  /** Puts a version on sale, and takes the one before off sale, in one transaction. */
  publish(planId: string, version: number): Promise<void>;
  /** Takes the plan off sale; its subscribers stay. */
  retire(planId: string): Promise<void>;
  /** Plans on sale, oldest first. */
  published(): Promise<PlanRecord[]>;
  /** The version that subscribers of older ones are to move to; null when they stay. */
  migrationTarget(planId: string): Promise<number | null>;
  setMigrationTarget(planId: string, version: number): Promise<void>;
}

/** A subscription with everything that billing decides by. */
export interface BillingAccount {
  readonly subscription: Subscription;
  /** The invoice to be collected; at most one is open. */
  readonly openInvoice: Invoice | null;
  /** Charges that are under way, oldest first: at most one payment or setup, and refunds. */
  readonly charges: readonly Charge[];
  /** Who the member is at each processor. */
  readonly customers: { readonly [processor in Processor]?: string };
}

/** A write of billing: all of it or nothing, and only if the subscription is still as it was read. */
export interface BillingChange {
  /** After the change; its `version` is one more than before. */
  readonly subscription: Subscription;
  /** New or changed. A paid one without a number gets the next of its legal entity. */
  readonly invoices?: readonly Invoice[];
  readonly charges?: readonly Charge[];
  readonly creditNotes?: readonly CreditNote[];
  readonly customer?: { readonly processor: Processor; readonly ref: string };
  /** The next links of the subscription's chain. */
  readonly events?: readonly ChainLink[];
  readonly notices?: readonly Notice[];
}

/** Subscriptions and their money in one data region. */
export interface BillingStore {
  load(subscriptionId: string): Promise<BillingAccount | null>;
  /** exists: the member has a live subscription in the group, or this one is there already. */
  insert(change: BillingChange): Promise<'done' | 'exists'>;
  /** conflict: somebody else wrote first; read again. */
  save(change: BillingChange): Promise<'done' | 'conflict'>;
  /** The member's live subscription of a group, or of any group. */
  liveOf(userId: string, group: string | null): Promise<Subscription | null>;
  /** Whether the member had a trial in this group before. */
  hadTrial(userId: string, group: string): Promise<boolean>;
  /** Subscriptions that are due, in the order of their ids. */
  due(query: { nowMs: EpochMs; afterId: string; limit: number }): Promise<string[]>;
  /** Subscriptions with a charge under way, in the order of their ids. */
  underWay(query: { afterId: string; limit: number }): Promise<string[]>;
  /** Charges that wait for a person, oldest first. */
  reviews(query: { after: { atMs: EpochMs; id: string } | null; limit: number }): Promise<Charge[]>;
  /** Subscriptions of a plan whose version is older. */
  olderThan(query: {
    planId: string;
    version: number;
    afterId: string;
    limit: number;
  }): Promise<string[]>;
  invoice(id: string): Promise<Invoice | null>;
  /** Newest first. */
  invoicesOf(query: {
    subscriptionId: string;
    before: { atMs: EpochMs; id: string } | null;
    limit: number;
  }): Promise<Invoice[]>;
  creditNotesOf(invoiceId: string): Promise<CreditNote[]>;
  /** The charges of an invoice, oldest first. */
  chargesOf(invoiceId: string): Promise<Charge[]>;
  /** What was given back of a subscription's payments, or is to be, oldest first. */
  refundsOf(subscriptionId: string): Promise<Charge[]>;
  /** Paid invoices whose period ends after the instant, newest first: what an immediate cancellation may give back. */
  paidAfter(subscriptionId: string, atMs: EpochMs): Promise<Invoice[]>;
  charge(id: string): Promise<Charge | null>;
  /** The newest charge of a subscription that is a payment or a setup, whatever became of it. */
  latestCharge(subscriptionId: string): Promise<Charge | null>;
  /** The last version that the membership object acknowledged only grows. */
  markPushed(subscriptionId: string, version: number): Promise<void>;
  unpushed(afterId: string, limit: number): Promise<string[]>;
}
