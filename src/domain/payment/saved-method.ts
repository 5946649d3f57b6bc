/**
 * A method that a customer keeps with a processor to pay with again, as we know it: the processor's token and what may be
 * shown of it, never enough to pay with elsewhere. Pure.
 */
import type { EpochMs } from '../time.ts';
import type { MethodKind, PaymentAction, Processor, ProcessorMethod } from './processor-reply.ts';
import type { SavedMethodState } from './saved-method-machine.ts';

/** Methods that one customer may have, those included that wait for their payer. */
export const SAVED_METHODS_MAX = 20;

export interface SavedMethod {
  readonly id: string;
  readonly userId: string;
  readonly processor: Processor;
  readonly state: SavedMethodState;
  /** The processor's token as the customer named it; null where they choose the method with the processor. */
  readonly offered: string | null;
  readonly returnUrl: string | null;
  /** Who the customer is at the processor; null until that is known. */
  readonly customerRef: string | null;
  /** The processor's id of what keeps the method; null until it is known. */
  readonly setupRef: string | null;
  /** The processor's token by which it is charged; null until the processor keeps it. */
  readonly methodRef: string | null;
  readonly kind: MethodKind | null;
  readonly brand: string | null;
  readonly last4: string | null;
  readonly expiresMonth: number | null;
  readonly expiresYear: number | null;
  readonly payer: string | null;
  /** What the payer has to do before the method can be kept. */
  readonly action: PaymentAction | null;
  readonly declineCode: string | null;
  /** When the customer last said that this is the one to propose; 0 where they never did. */
  readonly preferredAtMs: EpochMs;
  /** Counts the keys at the processor: a new one only after an answer that is stored under the old one. */
  readonly keySeq: number;
  /** Looks in a row that settled nothing. */
  readonly fruitlessLooks: number;
  /** When somebody looks again if nobody did; null for never. */
  readonly dueAtMs: EpochMs | null;
  readonly createdAtMs: EpochMs;
  /** The head of its chain. */
  readonly chainSeq: number;
  readonly chainHash: string;
  /** Grows with each write. */
  readonly version: number;
}

/** What is known of a method once the processor keeps it. */
export function factsOf(method: ProcessorMethod): Partial<SavedMethod> {
  const { ref, kind, brand, last4, expiresMonth, expiresYear, payer } = method;
  return { methodRef: ref, kind, brand, last4, expiresMonth, expiresYear, payer };
}

/** What stays of a method that is gone: that it was there. */
export const NOTHING_KNOWN = {
  offered: null,
  returnUrl: null,
  methodRef: null,
  brand: null,
  last4: null,
  expiresMonth: null,
  expiresYear: null,
  payer: null,
  action: null,
  dueAtMs: null,
} as const;

const KIND_WORDS: { readonly [kind in MethodKind]: string } = {
  card: 'Card',
  paypal: 'PayPal',
  bank_debit: 'Bank account',
  other: 'Payment method',
};

/** A line by which its owner knows it again: `Visa •••• 4242`, `PayPal j•••@example.com`. */
export function labelOf({ kind, brand, last4, payer }: SavedMethod): string {
  const name = brand ?? KIND_WORDS[kind ?? 'other'];
  const words = [name.charAt(0).toUpperCase() + name.slice(1)];
  if (last4 !== null) words.push(`•••• ${last4}`);
  if (payer !== null) words.push(payer);
  return words.join(' ');
}

/** The one to propose: what the customer said last, else the oldest; null where nothing is kept. */
export function defaultOf(methods: readonly SavedMethod[]): SavedMethod | null {
  const [first] = methods
    .filter(({ state }) => state === 'active')
    .toSorted(
      (a, b) =>
        b.preferredAtMs - a.preferredAtMs ||
        a.createdAtMs - b.createdAtMs ||
        (a.id < b.id ? -1 : 1),
    );
  return first ?? null;
}
