/**
 * What a fact about a booking's money is in the ledger. What a booking earned is the provider's but for the platform's
 * commission; what nobody earned is the payer's. A dispute takes what it takes in the same shares as a refund.
 * Pure; called by the consumer of the shards' money facts.
 */
import { invariant, unreachable } from '../assert.ts';
import type { Processor } from '../payment/processor-reply.ts';
import type { EpochMs } from '../time.ts';
import {
  balanced,
  COMMISSION_ACCOUNT,
  FEES_ACCOUNT,
  processorAccount,
  providerAccount,
  reversed,
  SURPLUS_ACCOUNT,
  taxAccount,
  type LedgerEntry,
  type LedgerKind,
  type Posting,
} from './entry.ts';

/** A fact as a shard tells it; amounts are positive minor units. */
export interface MovedMoney {
  readonly eventId: string;
  readonly kind:
    | 'captured'
    | 'refunded'
    | 'refund_failed'
    | 'disputed'
    | 'dispute_won'
    | 'dispute_lost';
  readonly bookingId: string;
  readonly processor: Processor;
  /** The processor's id of the payment. */
  readonly processorRef: string | null;
  /** The processor's id of the refund or dispute. */
  readonly entityRef: string | null;
  readonly amountMinor: number;
  readonly currency: string;
  readonly feeMinor: number | null;
  readonly isEarned: boolean;
  readonly providerId: string;
  readonly commissionMinor: number;
  /** Tax in the amount: the provider's to pay, and paid out to it with the rest. */
  readonly taxMinor: number;
  readonly serviceEndsAtMs: EpochMs;
  readonly atMs: EpochMs;
}

/** The entries of a fact: its movement, and what the processor kept. Either may be nothing. */
export function entriesOfBooking(fact: MovedMoney): LedgerEntry[] {
  const { commissionMinor, taxMinor, amountMinor, feeMinor } = fact;
  const isTaxed = taxMinor >= 0 && taxMinor <= amountMinor;
  invariant(isTaxed, `the tax of ${fact.eventId} is no part of it`);
  const isWithin = commissionMinor >= 0 && commissionMinor <= amountMinor;
  invariant(isWithin, `the commission of ${fact.eventId} is no part of it`);
  const movement = movementOf(fact);
  return [
    ...(movement === null ? [] : entryOf(fact, movement.kind, movement.lines)),
    ...(feeMinor === null
      ? []
      : entryOf(fact, 'fee', [
          { account: FEES_ACCOUNT, amountMinor: feeMinor },
          { account: processorAccount(fact.processor), amountMinor: -feeMinor },
        ])),
  ];
}

/** Null where nothing moves: a lost dispute keeps what its opening took. */
function movementOf(fact: MovedMoney): { kind: LedgerKind; lines: Posting[] } | null {
  const came = linesOfCapture(fact);
  switch (fact.kind) {
    case 'captured':
      return { kind: 'capture', lines: came };
    case 'refunded':
      return { kind: 'refund', lines: reversed(came) };
    case 'refund_failed':
      return { kind: 'refund_failed', lines: came };
    case 'disputed':
      return { kind: 'dispute', lines: reversed(came) };
    case 'dispute_won':
      return { kind: 'dispute_won', lines: came };
    case 'dispute_lost':
      return null;
    default:
      return unreachable(fact.kind);
  }
}

function linesOfCapture(fact: MovedMoney): Posting[] {
  const { amountMinor, commissionMinor, taxMinor } = fact;
  const held = { account: processorAccount(fact.processor), amountMinor };
  if (!fact.isEarned) return [held, { account: SURPLUS_ACCOUNT, amountMinor: -amountMinor }];
  return [
    held,
    { account: providerAccount(fact.providerId), amountMinor: commissionMinor - amountMinor },
    { account: COMMISSION_ACCOUNT, amountMinor: -commissionMinor },
    { account: taxAccount(fact.providerId), amountMinor: -taxMinor },
    { account: taxAccount(fact.processor), amountMinor: taxMinor },
  ];
}

function entryOf(fact: MovedMoney, kind: LedgerKind, lines: readonly Posting[]): LedgerEntry[] {
  const postings = balanced(lines);
  if (postings.length === 0) return [];
  return [
    {
      id: `${kind}:${fact.eventId}`,
      kind,
      currency: fact.currency,
      postings,
      processor: fact.processor,
      processorRef: fact.entityRef ?? fact.processorRef,
      paymentRef: fact.processorRef,
      bookingId: fact.bookingId,
      subscriptionId: null,
      providerId: fact.providerId,
      payoutId: null,
      atMs: fact.atMs,
      // What is given back counts from the same instant as what came in: it never has a provider pay in advance.
      availableFromMs: fact.isEarned ? fact.serviceEndsAtMs : fact.atMs,
    },
  ];
}
