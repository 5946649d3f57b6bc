/** Everything that is checked without running the product: format, lint, types, and that generated files are fresh. */
import { join } from 'node:path';
import { PROJECT_ROOT, WRANGLER, WRANGLER_ENVIRONMENT, runNode } from '../local/project.ts';
import type { ToolRun } from '../local/project.ts';

interface StaticCheck {
  readonly name: string;
  readonly run: () => Promise<ToolRun>;
}

/** A tool of the project, run by our own Node so that the machine's does not matter. */
const tool =
  (path: string, ...args: string[]) =>
  (): Promise<ToolRun> =>
    runNode([join(PROJECT_ROOT, 'node_modules', path), ...args], { env: WRANGLER_ENVIRONMENT });

const typescript = (config: string): StaticCheck => ({
  name: `types (${config})`,
  run: tool('typescript/bin/tsc', '-p', config),
});

const CHECKS: readonly StaticCheck[] = [
  { name: 'format', run: tool('oxfmt/bin/oxfmt', '--check') },
  { name: 'lint', run: tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings') },
  typescript('src/domain/tsconfig.json'),
  typescript('tsconfig.json'),
  typescript('tsconfig.unit.json'),
  typescript('tsconfig.node.json'),
  typescript('tsconfig.simulators.json'),
  {
    name: 'generated types of the bindings',
    run: () =>
      runNode([WRANGLER, 'types', '--include-runtime=false', '--check'], {
        env: WRANGLER_ENVIRONMENT,
      }),
  },
  {
    name: 'generated reference',
    run: () => runNode([join(PROJECT_ROOT, 'scripts', 'generate-reference.ts'), '--check']),
  },
];

/** Two at a time: one per core of a small machine. */
const AT_ONCE = 2;

/** Runs all of them, reports each, and answers the names of those that failed. */
export async function runStaticChecks(): Promise<string[]> {
  const waiting = [...CHECKS];
  const failed: string[] = [];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const startedAtMs = performance.now();
      const { code, output } = await check.run();
      const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${check.name} (${seconds} s)`);
      if (code === 0) continue;
      failed.push(check.name);
      console.log(output.trimEnd());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failed;
}
