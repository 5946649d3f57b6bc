/**
 * Writes what wrangler makes of wrangler.toml for the local runtime (bindings, queues, objects), and the migrations
 * split into statements, as JSON to the file named by its argument. A process of its own: loading wrangler takes
 * longer than everything else at a warm start.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from 'wrangler';
import { PROJECT_ROOT } from './project.ts';

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('Name the file to write.');
const { workerOptions } = unstable_getMiniflareWorkerOptions(join(PROJECT_ROOT, 'wrangler.toml'));
const migrationsDir = join(PROJECT_ROOT, 'migrations');
const names = readdirSync(migrationsDir).filter((name) => name.endsWith('.sql'));
const migrations = names.toSorted().map((name) => ({
  name,
  statements: unstable_splitSqlQuery(readFileSync(join(migrationsDir, name), 'utf8')),
}));
writeFileSync(target, JSON.stringify({ options: workerOptions, migrations }));
