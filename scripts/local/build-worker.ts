/**
 * The Worker as the local runtime takes it: the bundle that `wrangler deploy` would upload, the bindings of
 * wrangler.toml, the migrations. Kept in one file outside the tree and made again only when an input changed.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { V4WorkerOptions } from 'miniflare';
import type { Migration } from './migrations.ts';
import { CACHE_DIR, PROJECT_ROOT, WRANGLER, WRANGLER_ENVIRONMENT, runNode } from './project.ts';
import { StartRefused } from './settings.ts';
import { readJson, writeJson } from './state-folder.ts';

export interface BuiltWorker {
  /** Size and modification time of everything that went in, by path from the root. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly script: string;
  readonly options: V4WorkerOptions;
  readonly migrations: readonly Migration[];
}

const CACHE_FILE = join(CACHE_DIR, 'worker.json');
/** What decides the build without being part of the bundle; the folder stands for files added and removed. */
const CONFIGURATION = [
  'wrangler.toml',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.base.json',
  'migrations',
];

/** The present build: from the cache while its inputs are unchanged, otherwise made anew. */
export async function buildWorker(): Promise<BuiltWorker> {
  const cached = readCache();
  if (cached !== null && isCurrent(cached)) return cached;
  const workDir = mkdtempSync(join(tmpdir(), 'holdfast-build-'));
  try {
    const wranglerFile = join(workDir, 'wrangler.json');
    const [inputs] = await Promise.all([bundle(workDir), readWrangler(wranglerFile)]);
    const migrationFiles = readdirSync(join(PROJECT_ROOT, 'migrations'));
    const read = JSON.parse(readFileSync(wranglerFile, 'utf8')) as ReadWrangler;
    const built: BuiltWorker = {
      inputs: fingerprints([
        ...inputs,
        ...CONFIGURATION,
        ...migrationFiles.map((name) => join('migrations', name)),
      ]),
      script: readFileSync(join(workDir, 'index.js'), 'utf8'),
      options: withoutModuleRules(read.options),
      migrations: read.migrations,
    };
    mkdirSync(CACHE_DIR, { recursive: true });
    writeJson(CACHE_FILE, built);
    return built;
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

type ReadWrangler = Pick<BuiltWorker, 'migrations'> & {
  options: V4WorkerOptions & { modulesRules?: unknown };
};

/** Bundles into a folder as for a deployment; answers the bundled files, by path from the root. */
export async function bundle(outDir: string, flags: readonly string[] = []): Promise<string[]> {
  const run = await runNode(
    [WRANGLER, 'deploy', '--dry-run', '--outdir', outDir, '--metafile', ...flags],
    { env: WRANGLER_ENVIRONMENT },
  );
  if (run.code !== 0) throw new StartRefused(`The Worker does not build.\n${run.output}`);
  const meta: unknown = JSON.parse(readFileSync(join(outDir, 'bundle-meta.json'), 'utf8'));
  if (typeof meta !== 'object' || meta === null || !('inputs' in meta)) {
    throw new Error('wrangler wrote no list of inputs.');
  }
  return Object.keys(meta.inputs ?? {}).filter((path) => existsSync(resolve(PROJECT_ROOT, path)));
}

async function readWrangler(target: string): Promise<void> {
  const script = join(PROJECT_ROOT, 'scripts', 'local', 'read-wrangler.ts');
  const run = await runNode([script, target], { env: WRANGLER_ENVIRONMENT });
  if (run.code !== 0) throw new StartRefused(`wrangler.toml is not usable.\n${run.output}`);
}

/** The bundle is one module, so the rules for finding more are dropped: with them the runtime refuses the options. */
function withoutModuleRules(options: ReadWrangler['options']): V4WorkerOptions {
  const { modulesRules: _, ...rest } = options;
  return rest;
}

function readCache(): BuiltWorker | null {
  try {
    return readJson(CACHE_FILE) as BuiltWorker | null;
  } catch {
    return null; // A cache that cannot be read is as good as none.
  }
}

function isCurrent(built: BuiltWorker): boolean {
  return Object.entries(built.inputs).every(([path, seen]) => fingerprint(path) === seen);
}

function fingerprints(paths: readonly string[]): Record<string, string> {
  const entries = paths.map((path) => relative(PROJECT_ROOT, resolve(PROJECT_ROOT, path)));
  return Object.fromEntries(entries.map((path) => [path, fingerprint(path)]));
}

function fingerprint(path: string): string {
  const stat = statSync(join(PROJECT_ROOT, path), { throwIfNoEntry: false });
  return stat === undefined ? 'absent' : `${stat.size}:${stat.mtimeMs}`;
}
