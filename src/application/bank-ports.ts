/** Statements of the platform's own bank account, and what they need of storage. Amounts are minor units. */
import type { EpochMs } from '../domain/time.ts';

export const BANK_FORMATS = ['csv', 'camt053'] as const;
export type BankFormat = (typeof BANK_FORMATS)[number];

/** One booked entry as the bank names it. */
export interface BankEntry {
  /** The bank's own name of the entry, unique in the account. */
  readonly entryRef: string;
  /** The day of booking, at midnight UTC. */
  readonly bookedAtMs: EpochMs;
  /** Positive came in, negative went out. */
  readonly amountMinor: number;
  readonly currency: string;
  /** What the payer or payee wrote to it. */
  readonly reference: string;
}

/** What a reader makes of a statement's text. */
export interface ReadStatement {
  readonly account: string;
  readonly entries: readonly BankEntry[];
}

export interface BankStatement {
  readonly id: string;
  readonly format: BankFormat;
  readonly account: string;
  readonly fromAtMs: EpochMs;
  readonly toAtMs: EpochMs;
  readonly importedAtMs: EpochMs;
  readonly importedBy: string;
}

/** An entry as it is kept. */
export interface BankLine extends BankEntry {
  readonly id: string;
  /** The statement that brought it first. */
  readonly statementId: string;
  readonly line: number;
  readonly account: string;
  /** The entry of the ledger that it is; null while none is found. */
  readonly transactionId: string | null;
}

/** A movement of the bank account as the ledger has it. */
export interface BankMovement {
  readonly transactionId: string;
  readonly atMs: EpochMs;
  readonly amountMinor: number;
  readonly currency: string;
  /** Words by which a line of the bank may name it. */
  readonly references: readonly string[];
}

export interface BankStore {
  /** Keeps the statement and those of its lines that are not known yet; gives how many these were. */
  insert(statement: BankStatement, lines: readonly BankLine[]): Promise<number>;
  byId(id: string): Promise<BankStatement | null>;
  /** Lines of an account that were booked in the interval, both ends included, in their order. */
  linesOf(query: { account: string; fromAtMs: EpochMs; toAtMs: EpochMs }): Promise<BankLine[]>;
  /** Which of the entries of the ledger are lines already. */
  known(transactionIds: readonly string[]): Promise<string[]>;
  /** Says of lines which entries of the ledger they are; what was said before stays. */
  match(pairs: readonly { lineId: string; transactionId: string }[]): Promise<void>;
}
