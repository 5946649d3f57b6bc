/** Starts the generator for one plan and answers what it measured. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, LoadResult } from './plan.ts';

const GENERATOR = join(dirname(fileURLToPath(import.meta.url)), 'generator.ts');

/** Offers the load of a plan. */
export async function drive(plan: LoadPlan): Promise<LoadResult> {
  const child = fork(GENERATOR, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit').then(() => {
    throw new Error('The load generator ended without a result.');
  });
  const answered = once(child, 'message');
  child.send(plan);
  const [result]: unknown[] = await Promise.race([answered, ended]);
  ended.catch(() => undefined);
  return result as LoadResult;
}
