/** A D1 database that remembers every statement it was asked to prepare. */

/** The database with its memory. */
export interface RecordingDatabase {
  readonly database: D1Database;
  readonly statements: ReadonlySet<string>;
}

/** Wraps a database; everything works as before. */
export function recordStatements(database: D1Database): RecordingDatabase {
  const statements = new Set<string>();
  const recording = new Proxy(database, {
    get(target, property) {
      if (property === 'prepare') {
        return (sql: string) => {
          statements.add(sql);
          return target.prepare(sql);
        };
      }
      const member: unknown = Reflect.get(target, property);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { database: recording, statements };
}

/** How many values a statement wants bound: numbered parameters by their highest number, others by their count. */
export function parameterCount(sql: string): number {
  const numbered = [...sql.matchAll(/\?(\d+)/g)].map((match) => Number(match[1]));
  if (numbered.length > 0) return Math.max(...numbered);
  return sql.split('?').length - 1;
}
