/** Files of a bank as they are read: what a line says, and that anything unclear is refused with its place. */
import { describe, expect, it } from 'vitest';
import { readCamt053 } from '../../src/application/bank-camt.ts';
import { readCsv } from '../../src/application/bank-csv.ts';
import { readXml, textAt } from '../../src/application/bank-xml.ts';

const HEADER = 'account,bookedOn,amount,currency,reference,entryRef';
const DAY_MS = Date.parse('2026-11-24T00:00:00Z');

function csv(...rows: string[]) {
  return readCsv([HEADER, ...rows].join('\n'));
}

/** What is wrong with a file, as its sender is told. */
function fault(read: ReturnType<typeof readCsv>): unknown {
  return read.ok ? 'read' : read.refusal.extra;
}

const says = (detail: string) => ({ errors: [{ pointer: '', detail }] });

describe('a statement as CSV', () => {
  it('has signed amounts in minor units of their currency, and references with anything in them', () => {
    const read = readCsv(
      `\uFEFF${HEADER}\r\nA1,2026-11-24,1200.5,USD,"a ""b"", c\nd",E1\r\nA1,2026-11-24,-3,jpy,,E2\r\n`,
    );
    const line = { bookedAtMs: DAY_MS };
    expect(read).toEqual({
      ok: true,
      value: {
        account: 'A1',
        entries: [
          {
            ...line,
            entryRef: 'E1',
            amountMinor: 120_050,
            currency: 'usd',
            reference: 'a "b", c\nd',
          },
          { ...line, entryRef: 'E2', amountMinor: -3, currency: 'jpy', reference: '' },
        ],
      },
    });
  });

  it('is refused where a row is not what it should be', () => {
    const rows = [
      'A1,2026-02-30,1.00,usd,x,E1',
      'A1,24.11.2026,1.00,usd,x,E1',
      'A1,2026-11-24,1.001,usd,x,E1',
      'A1,2026-11-24,"1,00",usd,x,E1',
      'A1,2026-11-24,0.00,usd,x,E1',
      'A1,2026-11-24,1.5,jpy,x,E1',
      'A1,2026-11-24,1.00,xxx,x,E1',
      'A1,2026-11-24,1.00,usd,x,',
      ',2026-11-24,1.00,usd,x,E1',
      'A1,2026-11-24,1.00,usd,x',
      'A1,2026-11-24,1.00,usd,x,E1,more',
    ];
    for (const row of rows) {
      expect([row, fault(csv(row))]).toEqual([row, says('is wrong in row 2')]);
    }
  });

  it('is refused as a whole where it is none', () => {
    const row = 'A1,2026-11-24,1.00,usd,x,E1';
    expect(fault(readCsv('date,amount'))).toEqual(says(`must begin with the line ${HEADER}`));
    expect(fault(readCsv(''))).toEqual(says(`must begin with the line ${HEADER}`));
    expect(fault(csv())).toEqual(says('has no entries'));
    expect(fault(csv('A1,2026-11-24,1.00,usd,"x,E1'))).toEqual(
      says('has a quote that does not end'),
    );
    expect(fault(csv(row, row))).toEqual(says('names two entries alike'));
    expect(fault(csv(row, 'A2,2026-11-24,1.00,usd,x,E2'))).toEqual(
      says('is of more than one account'),
    );
  });
});

/** A message with what its statement has in it. */
const entry = (inside: string) =>
  `<d:Document xmlns:d="x"><!-- a bank --><d:BkToCstmrStmt><d:Stmt><d:Acct><d:Id><d:IBAN>DE1</d:IBAN></d:Id></d:Acct>${inside}</d:Stmt></d:BkToCstmrStmt></d:Document>`;

/** An entry of 10.00 that went out. */
const booked = (more: string, state = 'BOOK') =>
  `<d:Ntry><d:Amt Ccy="EUR">10.00</d:Amt><d:CdtDbtInd>DBIT</d:CdtDbtInd><d:Sts>${state}</d:Sts><d:BookgDt><d:DtTm>2026-11-24T09:00:00+01:00</d:DtTm></d:BookgDt><d:NtryRef>N1</d:NtryRef>${more}</d:Ntry>`;

describe('a statement as CAMT.053', () => {
  it('has what was booked, by direction, with everything that names it', () => {
    const details =
      '<d:NtryDtls><d:TxDtls><d:Refs><d:EndToEndId>po_1</d:EndToEndId></d:Refs><d:RmtInf><d:Ustrd>a &lt;b&gt;</d:Ustrd><d:Ustrd>c&#228;</d:Ustrd></d:RmtInf></d:TxDtls></d:NtryDtls>';
    const read = readCamt053(entry(booked(details) + booked('', 'PDNG')));
    expect(read).toEqual({
      ok: true,
      value: {
        account: 'DE1',
        entries: [
          {
            entryRef: 'N1',
            bookedAtMs: DAY_MS,
            amountMinor: -1_000,
            currency: 'eur',
            reference: 'po_1 a <b> cä',
          },
        ],
      },
    });
  });

  it('is refused where it is none, or an entry is not whole', () => {
    expect(fault(readCamt053('not xml'))).toEqual(says('is not XML that can be read here'));
    expect(fault(readCamt053('<Document/>'))).toEqual(says('is not CAMT.053'));
    const unnamed = entry('<d:Ntry><d:Sts>BOOK</d:Sts></d:Ntry>');
    expect(fault(readCamt053(unnamed))).toEqual(says('is wrong in entry 1'));
    expect(fault(readCamt053(entry('')))).toEqual(says('has no entries'));
  });
});

describe('XML', () => {
  it('is refused where it is malformed, or could have something to expand or to fetch', () => {
    const wrong = [
      '',
      'x',
      '<a>',
      '</a>',
      '<a></b>',
      '<a/><b/>',
      '<a>&unknown;</a>',
      '<a>& </a>',
      '<a b=c/>',
      '<a b="<"/>',
      '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
      '<a><![CDATA[b]]></a>',
      '<a><?php ?></a>',
      `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`,
    ];
    for (const text of wrong) expect([text, readXml(text)]).toEqual([text, null]);
  });

  it('keeps text and attributes as they were meant', () => {
    const root = readXml(`<?xml version="1.0"?>\n<a><b c='&quot;&#x41;'> d <e/> f </b></a>\n`);
    if (root === null) throw new Error('it is well-formed');
    expect(textAt(root, ['b'])).toBe('d  f');
    expect(root.children[0]?.attributes.get('c')).toBe('"A');
    expect(textAt(root, ['b', 'none', 'e'])).toBe('');
  });
});
