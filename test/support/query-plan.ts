/** What a repository asks the database, and how the database says that it finds the rows. */
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import { parameterCount, recordStatements } from './recording-database.ts';

/** Parts of a plan that read everything and may: a parameter's own rows are no table. */
const ALLOWED_SCANS: readonly RegExp[] = [
  /^SCAN json_each VIRTUAL TABLE/,
  /^SCAN CONSTANT ROW$/,
  // An index of text is asked by its own query, which the plan calls a scan with an index of its own.
  /^SCAN service_search VIRTUAL TABLE INDEX \d+:.*M/,
];

/** Runs a repository's calls, checks that none of its methods was left out, and answers what it asked the database. */
export async function statementsOf<T extends object>(
  Repository: new (database: D1Database) => T,
  exercise: (repository: T) => Promise<unknown>,
): Promise<string[]> {
  const { database, statements } = recordStatements(env.DB);
  const repository = new Repository(database);
  const called = new Set<string>();
  const watched = new Proxy(repository, {
    get(target, property) {
      called.add(String(property));
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  await exercise(watched);
  expect(methodsOf(repository).filter((name) => !called.has(name))).toEqual([]);
  expect(statements.size).toBeGreaterThan(0);
  return [...statements];
}

/** The methods of a class and of those that it extends. */
function methodsOf(repository: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(repository);
  if (typeof prototype !== 'object' || prototype === null) return [];
  if (prototype === Object.prototype) return [];
  const own = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
  return [...own, ...methodsOf(prototype)];
}

/** What of the statements' plans reads more than it needs. */
export async function faultsOf(statements: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  for (const sql of statements) {
    for (const detail of await planOf(sql)) {
      const isAllowed = ALLOWED_SCANS.some((pattern) => pattern.test(detail));
      if (detail.startsWith('SCAN') && !isAllowed) faults.push(`${detail} in ${sql}`);
    }
  }
  return faults;
}

/** The steps of a statement's plan, as the database explains them. */
export async function planOf(sql: string): Promise<string[]> {
  const values = Array.from({ length: parameterCount(sql) }, () => '[]');
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}
