/**
 * `npm run demo`: tells the whole story against the platform at PORT, or against a fresh one that ends with the story.
 * Exits with 1 at the first surprise.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Surprise } from './demo/client.ts';
import { tellStory } from './demo/story.ts';
import type { StoryPlace, Teller } from './demo/cast.ts';
import { PROJECT_ROOT } from './local/project.ts';
import { LOOPBACK, platformUrl, readSettings, simulatorsUrl } from './local/settings.ts';

const START_WITHIN_MS = 60_000;

interface Stage extends StoryPlace {
  readonly close: () => Promise<void>;
}

let told = 0;
const tell: Teller = async (title, act) => {
  const startedAtMs = performance.now();
  try {
    const [value, facts] = await act();
    const tookMs = Math.round(performance.now() - startedAtMs);
    told += 1;
    console.log(
      `${String(told).padStart(2)}. ${title.padEnd(46)} ${String(tookMs).padStart(6)} ms  ${facts}`,
    );
    return value;
  } catch (error) {
    console.error(`\nStopped at: ${title}`);
    throw error;
  }
};

async function findStage(): Promise<Stage> {
  const settings = readSettings(process.env);
  const place = { platformUrl: platformUrl(settings), simulatorsUrl: simulatorsUrl(settings) };
  if (await isReady(place.platformUrl)) {
    console.log(`The platform at ${place.platformUrl} is running; the story is told there.\n`);
    return { ...place, close: async () => undefined };
  }
  console.log(`Nothing runs at ${place.platformUrl}; starting a fresh platform for the story.\n`);
  return await openStage();
}

async function openStage(): Promise<Stage> {
  const stateDir = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  const [port, simulatorsPort] = [await freePort(), await freePort()];
  const env = {
    ...process.env,
    PORT: String(port),
    SIMULATORS_PORT: String(simulatorsPort),
    STATE_DIR: stateDir,
  };
  const script = join(PROJECT_ROOT, 'scripts', 'start.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const close = async (): Promise<void> => {
    if (child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(stateDir, { recursive: true, force: true });
  };
  const place = {
    platformUrl: `http://${LOOPBACK}:${port}`,
    simulatorsUrl: `http://${LOOPBACK}:${simulatorsPort}`,
  };
  const deadline = Date.now() + START_WITHIN_MS;
  while (!(await isReady(place.platformUrl))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await close();
      throw new Surprise('expected the platform to start');
    }
    await sleep(50);
  }
  return { ...place, close };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false; // Nobody listens.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

let exitCode = 0;
const stage = await findStage();
try {
  await tellStory(stage, tell);
  console.log('\nEverything was as promised.');
} catch (error) {
  exitCode = 1;
  console.error(error instanceof Surprise ? `  ${error.message}` : error);
} finally {
  await stage.close();
}
process.exit(exitCode);
