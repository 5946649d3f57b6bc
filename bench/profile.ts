/**
 * `npm run profile -- [workload] [rate]`: where the product's own code spends its time under a steady load.
 * Prints the functions that cost most for each answer, and keeps a .cpuprofile that a browser's tools can open.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildWorker, bundle } from '../scripts/local/build-worker.ts';
import { drive } from './load/drive.ts';
import { freePort } from './runtime/workerd.ts';
import { openProduct } from './subject.ts';
import { WORKLOADS } from './workloads.ts';

const WARM_SECONDS = 2;
const SECONDS = 6;
const CONNECTIONS = 128;
const SAMPLE_EVERY_MICROS = 200;
const LINES = 40;

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A connection to the inspector of the product's isolate. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', (event) => {
      const message = JSON.parse(String(event.data)) as { id?: number; result?: unknown };
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message.result);
    });
  }

  static async open(port: number): Promise<Inspector> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/main`);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Inspector(socket);
  }

  call(method: string, params: object = {}): Promise<unknown> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.close();
  }
}

/** Microseconds by function: in itself, and with all that it called. */
function costs(profile: CpuProfile): { self: Map<string, number>; total: Map<string, number> } {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])),
  );
  const self = new Map<string, number>();
  const total = new Map<string, number>();
  for (const [index, sample] of profile.samples.entries()) {
    const micros = profile.timeDeltas[index] ?? 0;
    const names: string[] = [];
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) {
      names.push(nameOf(nodes.get(id)));
    }
    add(self, names[0] ?? '', micros);
    for (const name of new Set(names)) add(total, name, micros);
  }
  return { self, total };
}

function add(sums: Map<string, number>, name: string, micros: number): void {
  sums.set(name, (sums.get(name) ?? 0) + micros);
}

function nameOf(node: ProfileNode | undefined): string {
  if (node === undefined) return '';
  const { functionName, url, lineNumber } = node.callFrame;
  return `${functionName || '(anonymous)'} ${url.split('/').at(-1)}:${lineNumber + 1}`;
}

function print(title: string, sums: ReadonlyMap<string, number>, answers: number): void {
  console.log(`\n${title}, microseconds for each answer`);
  const sorted = [...sums].toSorted(([, a], [, b]) => b - a).slice(0, LINES);
  for (const [name, micros] of sorted)
    console.log(`${(micros / answers).toFixed(1).padStart(9)}  ${name}`);
}

async function main(): Promise<void> {
  const [name = 'open-hold', rateText = '200'] = process.argv.slice(2);
  const workload = WORKLOADS.find((each) => each.name === name);
  if (workload === undefined) throw new Error(`No workload ${name}.`);
  const ratePerSecond = Number(rateText);
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-profile-'));
  const worker = await buildWorker();
  // Not minified, so that functions have their names.
  await bundle(dir);
  const inspectorPort = await freePort();
  const { running, take } = await openProduct({
    worker,
    bundleFile: join(dir, 'index.js'),
    hasConsumers: true,
    workload,
    slotCount: ratePerSecond * (WARM_SECONDS + SECONDS),
    inspectorPort,
  });
  const load = (seconds: number) =>
    drive({
      port: running.port,
      ratePerSecond,
      requests: take(ratePerSecond * seconds),
      connections: CONNECTIONS,
      graceMs: 2_000,
    });
  try {
    await load(WARM_SECONDS);
    const inspector = await Inspector.open(inspectorPort);
    await inspector.call('Profiler.enable');
    await inspector.call('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROS });
    await inspector.call('Profiler.start');
    const result = await load(SECONDS);
    const { profile } = (await inspector.call('Profiler.stop')) as { profile: CpuProfile };
    inspector.close();
    const { self, total } = costs(profile);
    print('In itself', self, result.answered);
    print('With what it called', total, result.answered);
    const file = join(tmpdir(), `holdfast-${name}.cpuprofile`);
    writeFileSync(file, JSON.stringify(profile));
    console.log(`\n${result.answered} answers, p99 ${result.latencyMs.p99.toFixed(1)} ms; ${file}`);
  } finally {
    await running.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

await main();
