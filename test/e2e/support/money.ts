/**
 * What operators see of the money against what the processors' own books say. Asserts that the two agree and nothing
 * about how they came to. Used at the end of the journeys that move money.
 */
import { expect } from 'vitest';
import type { Api, BookRow, Person } from './shop.ts';

interface Overview {
  readonly unmatched: { readonly amount: number; readonly count: number };
  readonly processors: readonly {
    readonly processor: string;
    readonly captured: number;
    readonly refunded: number;
  }[];
}

/** Expects that nothing is unmatched after a reconciliation, and that both sums of each processor are its books'. */
export async function expectLedgerIsBooks(
  api: Api,
  operator: Person,
  processors: readonly string[],
): Promise<void> {
  await api.reconcile(operator);
  const money = await api.call<Overview>('GET /v1/ops/money', { as: operator });
  expect(money.json.unmatched).toMatchObject({ amount: 0, count: 0 });
  const books = await api.call<{ data: (BookRow & { processor: string })[] }>(
    `GET ${api.control('books')}`,
  );
  for (const name of processors) {
    const done = books.json.data.filter(
      ({ processor, status }) => processor === name && status === 'succeeded',
    );
    const sumOf = (wanted: string) =>
      done.filter(({ kind }) => kind === wanted).reduce((sum, { amount }) => sum + amount, 0);
    expect(sumOf('capture'), `what ${name} captured`).toBeGreaterThan(0);
    expect(money.json.processors.find(({ processor }) => processor === name)).toMatchObject({
      captured: sumOf('capture'),
      refunded: sumOf('refund'),
    });
  }
}
