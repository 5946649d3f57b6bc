/**
 * SQL that writes whole rows of a table from one JSON parameter, made from the table's schema so that no column is
 * forgotten. It decides nothing: what may be written is for the database's own checks and triggers to say.
 * Called by the repositories whose rows have many columns.
 */
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { jsonChunks } from './json-rows.ts';

/** Inserts the rows of `?1`, an array. Columns in `without` are left to their defaults. */
export function insertRowsSql(table: SQLiteTable, without: readonly string[] = []): string {
  const columns = columnsOf(table, without);
  const names = columns.map(({ name }) => name).join(', ');
  const values = columns.map(({ field }) => `value ->> '${field}'`).join(', ');
  return `INSERT INTO ${getTableName(table)} (${names}) SELECT ${values} FROM json_each(?1) WHERE true`;
}

/** The same, replacing what a row with this id says, except in the columns of `keep`. */
export function upsertRowsSql(table: SQLiteTable, keep: readonly string[]): string {
  const changes = columnsOf(table, ['id', ...keep])
    .map(({ name }) => `${name} = excluded.${name}`)
    .join(', ');
  // `WHERE true` keeps the parser from taking ON CONFLICT for a join constraint.
  return `${insertRowsSql(table)} ON CONFLICT (id) DO UPDATE SET ${changes}`;
}

/** Writes the one row of `?1`, an object, and answers its id if it is there; columns of `keep` stay. */
export function updateRowSql(table: SQLiteTable, keep: readonly string[]): string {
  const changes = columnsOf(table, ['id', ...keep])
    .map(({ name, field }) => `${name} = ?1 ->> '${field}'`)
    .join(', ');
  return `UPDATE ${getTableName(table)} SET ${changes} WHERE id = ?1 ->> 'id' RETURNING id`;
}

/** A row as the statements above read it. JSON goes in as text, so that SQL gives it back letter by letter. */
export function rowValues<T extends SQLiteTable>(
  table: T,
  row: Partial<T['$inferSelect']>,
): Record<string, unknown> {
  const columns: Record<string, { readonly dataType: string }> = getTableColumns(table);
  const values = Object.entries(row).map(([field, value]: [string, unknown]) => {
    const isJson = columns[field]?.dataType === 'json' && value !== null;
    return [field, isJson ? JSON.stringify(value) : value];
  });
  return Object.fromEntries(values) as Record<string, unknown>;
}

/** Binds rows to an insert or upsert, in their order and in as few statements as fit. */
export function bindRows<T extends SQLiteTable>(
  statement: D1PreparedStatement,
  table: T,
  rows: readonly Partial<T['$inferSelect']>[],
): D1PreparedStatement[] {
  return jsonChunks(rows.map((row) => rowValues(table, row))).map((chunk) => statement.bind(chunk));
}

function columnsOf(
  table: SQLiteTable,
  without: readonly string[],
): { field: string; name: string }[] {
  return Object.entries(getTableColumns(table))
    .filter(([field]) => !without.includes(field))
    .map(([field, column]) => ({ field, name: column.name }));
}
