/**
 * The folder that holds everything a local instance keeps: keys, databases, the simulators' books, logs.
 * Files are replaced by rename, so that a kill leaves the old content or the new, never half of it.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { StartRefused } from './settings.ts';

/** Marks a folder as ours; `npm run reset` deletes nothing without it. */
const MARKER = 'holdfast-state.json';

export interface StateFolder {
  readonly root: string;
  /** Durable objects and databases, written by the runtime. */
  readonly dataDir: string;
  readonly simulatorsDir: string;
  readonly logsDir: string;
  readonly keysFile: string;
  readonly clockFile: string;
  readonly lockFile: string;
  readonly runFile: string;
  readonly migratedFile: string;
  readonly seedFile: string;
  readonly runtimePidFile: string;
  readonly simulatorsPidFile: string;
}

/** The paths inside a state folder; touches nothing. */
export function stateFolderAt(root: string): StateFolder {
  return {
    root,
    dataDir: join(root, 'data'),
    simulatorsDir: join(root, 'simulators'),
    logsDir: join(root, 'logs'),
    keysFile: join(root, 'keys.json'),
    clockFile: join(root, 'clock.json'),
    lockFile: join(root, 'instance.lock'),
    runFile: join(root, 'run.json'),
    migratedFile: join(root, 'migrated.json'),
    seedFile: join(root, 'seed.json'),
    runtimePidFile: join(root, 'runtime.pid'),
    simulatorsPidFile: join(root, 'simulators.pid'),
  };
}

/** Creates the folder on first use; refuses one that holds somebody else's files. */
export function openStateFolder(root: string): StateFolder {
  const folder = stateFolderAt(root);
  if (existsSync(root) && !statSync(root).isDirectory()) {
    throw new StartRefused(`STATE_DIR ${root} is not a folder.`);
  }
  if (existsSync(root) && !isStateFolder(root) && readdirSync(root).length > 0) {
    throw new StartRefused(
      `STATE_DIR ${root} holds other files; name an empty folder or a new one.`,
    );
  }
  mkdirSync(root, { recursive: true, mode: 0o700 });
  if (!isStateFolder(root)) writeJson(join(root, MARKER), { product: 'holdfast', layout: 1 });
  for (const dir of [folder.dataDir, folder.simulatorsDir, folder.logsDir]) {
    mkdirSync(dir, { recursive: true });
  }
  return folder;
}

/** Whether the folder carries our marker. */
export function isStateFolder(root: string): boolean {
  return existsSync(join(root, MARKER));
}

/**
 * Removes everything inside, the marker last: a kill in the middle leaves a folder that is still recognised as ours.
 * The folder itself goes too, unless something else is mounted or kept there.
 */
export function clearStateFolder(root: string): void {
  for (const name of readdirSync(root)) {
    if (name !== MARKER) rmSync(join(root, name), { recursive: true, force: true });
  }
  rmSync(root, { recursive: true, force: true });
}

/** The parsed content of a JSON file; null where the file does not exist. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Replaces a JSON file in one step. */
export function writeJson(file: string, value: unknown, mode = 0o644): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode });
  renameSync(temporary, file);
}
