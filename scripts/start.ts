/**
 * `npm start`: the whole platform on this machine, until SIGTERM or Ctrl-C.
 * Settings come from the environment: PORT, SIMULATORS_PORT, STATE_DIR, CLOCK_OFFSET_SECONDS.
 */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import type { Instance } from './local/instance.ts';
import { CACHE_DIR } from './local/project.ts';
import { StartRefused, platformUrl, readSettings, simulatorsUrl } from './local/settings.ts';
import type { LocalSettings } from './local/settings.ts';
import { DEMO_ACCOUNTS, DEMO_PASSWORD } from './seed.ts';

/** The promise is 3 s; what has not ended by itself by then is ended by the guard. */
const STOP_WITHIN_MS = 2_500;

async function main(): Promise<void> {
  const startedAtMs = performance.now();
  // The local runtime's library is large; compiled once, it loads in half the time.
  enableCompileCache(join(CACHE_DIR, 'compiled'));
  const { Instance: LocalInstance } = await import('./local/instance.ts');
  const instance = LocalInstance.take(readSettings(process.env), {
    info: (line) => console.log(line),
    error: (line) => console.error(line),
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => void stop(instance));
  }
  await instance.start().catch(async (error: unknown) => {
    await instance.stop();
    throw error;
  });
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  console.log(welcome(instance.settings, seconds));
}

async function stop(instance: Instance): Promise<void> {
  setTimeout(() => process.exit(0), STOP_WITHIN_MS).unref();
  await instance.stop();
  process.exit(0);
}

function welcome(settings: LocalSettings, seconds: string): string {
  const url = platformUrl(settings);
  return `
Holdfast serves on ${url} (started in ${seconds} s).

  Reference   ${url}/docs
  Simulators  ${simulatorsUrl(settings)} (the processors' own protocols; no real money moves)
  State       ${settings.stateDir}
  Accounts    ${Object.values(DEMO_ACCOUNTS).join('  ')}
              password ${DEMO_PASSWORD}

Try next:
  curl ${url}/v1/services
  curl -X POST ${url}/v1/auth/login -H 'content-type: application/json' \\
    -d '{"email":"${DEMO_ACCOUNTS.customer}","password":"${DEMO_PASSWORD}"}'
  npm run demo        the whole story, step by step

Ctrl-C stops it; the state stays. npm run reset clears it.
`;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof StartRefused)) throw error;
  console.error(error.message);
  process.exit(1);
}
