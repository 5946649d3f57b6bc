/**
 * `npm run bench:live`: how soon a watcher sees a slot change, against `npm start`. A slot is held and released again and
 * again while a crowd watches its service by WebSocket; each change is timed from the moment that its request is sent to
 * the moment that a watcher has it, for the first and for the last of the crowd. Time of the request included.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { call, expectStatus, line, withPlatform, type Place } from './platform.ts';

const CROWDS = [1, 100, 1_000];
const CHANGES = 200;
/** Changes that compile the code; they are not counted. */
const WARM_CHANGES = 20;
const PASSWORD = 'holdfast-demo';

/** A crowd of sockets and when each change reached its first and its last. */
class Crowd {
  readonly sockets: WebSocket[] = [];
  #arrivals: number[] = [];
  #size = 0;
  #seen: (() => void) | null = null;

  static async open(url: string, size: number): Promise<Crowd> {
    const crowd = new Crowd();
    crowd.#size = size;
    const began = crowd.next();
    for (let n = 0; n < size; n += 1) {
      const socket = new WebSocket(url);
      socket.addEventListener('message', () => crowd.#arrived());
      crowd.sockets.push(socket);
      if (n % 50 === 0) await once(socket, 'open');
    }
    await began;
    return crowd;
  }

  /** Resolves when everybody has had one more message, with the instants of the first and the last. */
  async next(): Promise<{ firstMs: number; lastMs: number }> {
    this.#arrivals = [];
    await new Promise<void>((resolve) => {
      this.#seen = resolve;
    });
    return { firstMs: this.#arrivals[0] ?? 0, lastMs: this.#arrivals.at(-1) ?? 0 };
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }

  #arrived(): void {
    this.#arrivals.push(performance.now());
    if (this.#arrivals.length === this.#size) this.#seen?.();
  }
}

async function measure({ base }: Place): Promise<void> {
  const body = { email: 'customer@example.test', password: PASSWORD };
  const login = await call(`${base}/v1/auth/login`, { method: 'POST', body });
  const token = String(expectStatus(login, 200)['accessToken']);
  const services = await call(`${base}/v1/services`, { method: 'GET' });
  const open = (expectStatus(services, 200)['data'] as { id: string; access: string }[]).find(
    ({ access }) => access === 'open',
  );
  const slots = await call(`${base}/v1/services/${open?.id}/slots?status=available`, {
    method: 'GET',
  });
  const [slot] = expectStatus(slots, 200)['data'] as { id: string }[];
  const url = `${base.replace('http', 'ws')}/v1/services/${open?.id}/live`;
  for (const size of CROWDS) {
    const crowd = await Crowd.open(url, size);
    const samples: { firstMs: number; lastMs: number }[] = [];
    for (let n = 0; n < CHANGES + WARM_CHANGES; n += 2) {
      const held = await timed(crowd, () =>
        call(`${base}/v1/holds`, { method: 'POST', token, body: { slotIds: [slot?.id] } }),
      );
      const id = String(expectStatus(held.answer, 201)['id']);
      const freed = await timed(crowd, () =>
        call(`${base}/v1/holds/${id}`, { method: 'DELETE', token }),
      );
      expectStatus(freed.answer, 204);
      if (n >= WARM_CHANGES) samples.push(held, freed);
    }
    crowd.close();
    const name = `${size} ${size === 1 ? 'watcher' : 'watchers'}`;
    console.log(
      line(
        `${name}, the first has it`,
        samples.map(({ firstMs }) => firstMs),
      ),
    );
    console.log(
      line(
        `${name}, the last has it`,
        samples.map(({ lastMs }) => lastMs),
      ),
    );
    await sleep(500);
  }
}

async function timed(crowd: Crowd, change: () => ReturnType<typeof call>) {
  const startedAtMs = performance.now();
  const [{ firstMs, lastMs }, answer] = await Promise.all([crowd.next(), change()]);
  return { answer, firstMs: firstMs - startedAtMs, lastMs: lastMs - startedAtMs };
}

await withPlatform(measure);
