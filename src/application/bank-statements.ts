/**
 * Statements of the platform's own bank account against the ledger: a line is an entry of the ledger when it names it and
 * moves the same money within a few days. What is left on either side is a difference for a person to look at.
 * Called by the operators' routes.
 */
import type { DataRegion } from '../domain/ids.ts';
import { BANK_ACCOUNT, processorAccount, type LedgerEntry } from '../domain/ledger/entry.ts';
import type { Processor } from '../domain/payment/processor-reply.ts';
import { ok, refuse, type Result } from '../domain/result.ts';
import { DAY_MS, type EpochMs } from '../domain/time.ts';
import { readCamt053 } from './bank-camt.ts';
import { readCsv } from './bank-csv.ts';
import type {
  BankFormat,
  BankLine,
  BankMovement,
  BankStatement,
  BankStore,
  ReadStatement,
} from './bank-ports.ts';
import type { MoneyStore } from './ledger-money-ports.ts';
import type { LedgerStore } from './ledger-ports.ts';
import type { Clock, Digest } from './ports.ts';

/** How far the bank's day may be from the instant of the ledger: a long weekend with both its ends. */
const DAYS_APART_MAX = 7;
/** Shorter words are in too many references to name anything. */
const WORD_LENGTH_MIN = 6;

export interface BankDeps {
  readonly clock: Clock;
  readonly digest: Pick<Digest, 'sha256'>;
  readonly bank: BankStore;
  money(region: DataRegion): Pick<MoneyStore, 'bankMovements'>;
  ledger(region: DataRegion): Pick<LedgerStore, 'post'>;
}

/** A statement with what is known of each side. */
export interface StatementStanding {
  readonly statement: BankStatement;
  readonly lines: readonly BankLine[];
  /** What the ledger says of the bank in these days and the bank does not. */
  readonly missing: readonly BankMovement[];
}

/** Keeps a statement and finds what its lines are. The same text, or a line seen before, adds nothing. */
export async function importStatement(
  deps: BankDeps,
  file: { format: BankFormat; text: string; actor: string },
): Promise<Result<StatementStanding & { readonly added: number }>> {
  const read = file.format === 'csv' ? readCsv(file.text) : readCamt053(file.text);
  if (!read.ok) return read;
  const { account, entries } = read.value;
  const days = entries.map(({ bookedAtMs }) => bookedAtMs);
  const statement: BankStatement = {
    id: deps.digest.sha256(`${file.format}\n${file.text}`),
    format: file.format,
    account,
    fromAtMs: Math.min(...days),
    toAtMs: Math.max(...days),
    importedAtMs: deps.clock.nowMs(),
    importedBy: file.actor,
  };
  const added = await deps.bank.insert(statement, linesOf(deps, statement, read.value));
  return ok({ ...(await standingOf(deps, statement)), added });
}

/** A statement, matched again with what the ledger has learnt since. Refusals: `not_found`. */
export async function readStatement(
  deps: BankDeps,
  id: string,
): Promise<Result<StatementStanding>> {
  const statement = await deps.bank.byId(id);
  if (statement === null) return refuse('not_found', 'There is no such statement.');
  return ok(await standingOf(deps, statement));
}

/**
 * Posts that a processor paid out to the platform's bank, as its dashboard says: what it holds is less, what the bank
 * has is more. The same reference is the same payout.
 */
export async function recordSettlement(
  deps: Pick<BankDeps, 'ledger'>,
  paid: {
    readonly processor: Processor;
    readonly ref: string;
    readonly amountMinor: number;
    readonly currency: string;
    readonly atMs: EpochMs;
  },
): Promise<LedgerEntry> {
  const { processor, ref, amountMinor, currency, atMs } = paid;
  const entry: LedgerEntry = {
    id: `bank:${processor}:${ref}`,
    kind: 'bank',
    currency,
    postings: [
      { account: BANK_ACCOUNT, amountMinor },
      { account: processorAccount(processor), amountMinor: -amountMinor },
    ],
    processor,
    processorRef: ref,
    paymentRef: null,
    bookingId: null,
    subscriptionId: null,
    providerId: null,
    payoutId: null,
    atMs,
    availableFromMs: atMs,
  };
  await deps.ledger('global').post([entry]);
  return entry;
}

function linesOf(
  { digest }: Pick<BankDeps, 'digest'>,
  statement: BankStatement,
  { account, entries }: ReadStatement,
): BankLine[] {
  return entries.map((entry, line) => ({
    ...entry,
    id: digest.sha256(`${account}\n${entry.entryRef}`),
    statementId: statement.id,
    line,
    account,
    transactionId: null,
  }));
}

async function standingOf(deps: BankDeps, statement: BankStatement): Promise<StatementStanding> {
  const { account, fromAtMs, toAtMs } = statement;
  const movements = await movementsBetween(deps, {
    fromMs: fromAtMs - DAYS_APART_MAX * DAY_MS,
    toMs: toAtMs + (DAYS_APART_MAX + 1) * DAY_MS,
  });
  const known = new Set(await deps.bank.known(movements.map((one) => one.transactionId)));
  const query = { account, fromAtMs, toAtMs };
  const before = await deps.bank.linesOf(query);
  const free = movements.filter(({ transactionId }) => !known.has(transactionId));
  const pairs = pairUp(before, free);
  await deps.bank.match(pairs);
  const lines = pairs.length === 0 ? before : await deps.bank.linesOf(query);
  const found = new Set(pairs.map(({ transactionId }) => transactionId));
  const missing = free.filter(
    ({ transactionId, atMs }) =>
      !found.has(transactionId) && atMs >= fromAtMs && atMs < toAtMs + DAY_MS,
  );
  return { statement, lines, missing };
}

async function movementsBetween(
  deps: BankDeps,
  interval: { fromMs: EpochMs; toMs: EpochMs },
): Promise<BankMovement[]> {
  const lists = await Promise.all(
    (['global', 'eu'] as const).map((region) => deps.money(region).bankMovements(interval)),
  );
  return lists.flat().toSorted((a, b) => a.atMs - b.atMs);
}

/** Each line and each movement are in one pair at most. */
function pairUp(
  lines: readonly BankLine[],
  movements: readonly BankMovement[],
): { lineId: string; transactionId: string }[] {
  const free = new Set(movements);
  return lines.flatMap((line) => {
    if (line.transactionId !== null) return [];
    const match = [...free].find((movement) => isSame(line, movement));
    if (match === undefined) return [];
    free.delete(match);
    return [{ lineId: line.id, transactionId: match.transactionId }];
  });
}

function isSame(line: BankLine, movement: BankMovement): boolean {
  const isNear = Math.abs(line.bookedAtMs - movement.atMs) <= DAYS_APART_MAX * DAY_MS;
  const isEqual = line.amountMinor === movement.amountMinor && line.currency === movement.currency;
  const said = lettersOf(line.reference);
  const isNamed = movement.references
    .map((word) => lettersOf(word))
    .some((word) => word.length >= WORD_LENGTH_MIN && said.includes(word));
  return isNear && isEqual && isNamed;
}

/** Banks drop marks and change the case of what was written. */
function lettersOf(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
