/**
 * Reads a bank statement in CAMT.053 (ISO 20022 `BkToCstmrStmt`, any version of it that has these elements): booked
 * entries of one account with amount, direction, day, the bank's reference and what was written to it. An entry that
 * sums up several payments is one line; balances and charges are not read. Pure.
 */
import type { Result } from '../domain/result.ts';
import { entryOf, refuseStatement, statementOf } from './bank-entry.ts';
import type { BankEntry, ReadStatement } from './bank-ports.ts';
import { childrenOf, elementAt, readXml, textAt, type XmlElement } from './bank-xml.ts';

const SIGNS: Readonly<Record<string, string>> = { CRDT: '', DBIT: '-' };

/** Refusals: `validation_failed`. */
export function readCamt053(text: string): Result<ReadStatement> {
  const root = readXml(text);
  if (root === null) return refuseStatement('is not XML that can be read here');
  const message = root.name === 'Document' ? elementAt(root, ['BkToCstmrStmt']) : null;
  if (message === null) return refuseStatement('is not CAMT.053');
  const accounts = new Set<string>();
  const entries: BankEntry[] = [];
  for (const statement of childrenOf(message, 'Stmt')) {
    const account =
      textAt(statement, ['Acct', 'Id', 'IBAN']) || textAt(statement, ['Acct', 'Id', 'Othr', 'Id']);
    if (account === '') return refuseStatement('does not name its account');
    accounts.add(account);
    for (const [index, element] of childrenOf(statement, 'Ntry').entries()) {
      if (!isBooked(element)) continue;
      const entry = readEntry(element);
      if (entry === null) return refuseStatement(`is wrong in entry ${index + 1}`);
      entries.push(entry);
    }
  }
  return statementOf([...accounts], entries);
}

/** Older versions write the state as text, newer ones as a code. */
function isBooked(entry: XmlElement): boolean {
  return (textAt(entry, ['Sts', 'Cd']) || textAt(entry, ['Sts'])) === 'BOOK';
}

function readEntry(entry: XmlElement): BankEntry | null {
  const amount = elementAt(entry, ['Amt']);
  const sign = SIGNS[textAt(entry, ['CdtDbtInd'])];
  if (amount === null || sign === undefined) return null;
  const booked = textAt(entry, ['BookgDt', 'Dt']) || textAt(entry, ['BookgDt', 'DtTm']);
  return entryOf({
    bookedOn: booked.slice(0, 10),
    amount: `${sign}${amount.text.trim()}`,
    currency: amount.attributes.get('Ccy') ?? '',
    reference: referencesOf(entry).join(' '),
    entryRef: textAt(entry, ['AcctSvcrRef']) || textAt(entry, ['NtryRef']),
  });
}

/** Everything by which the payment may be named. */
function referencesOf(entry: XmlElement): string[] {
  const details = childrenOf(entry, 'NtryDtls').flatMap((part) => childrenOf(part, 'TxDtls'));
  const texts = details.flatMap((detail) => [
    textAt(detail, ['Refs', 'EndToEndId']),
    textAt(detail, ['RmtInf', 'Strd', 'CdtrRefInf', 'Ref']),
    ...childrenOf(elementAt(detail, ['RmtInf']) ?? detail, 'Ustrd').map(({ text }) => text.trim()),
  ]);
  return [textAt(entry, ['AddtlNtryInf']), ...texts].filter((text) => text !== '');
}
