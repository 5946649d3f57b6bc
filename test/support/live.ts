/** A reader of a live stream, as a client sees it: what came, in order, by WebSocket or by server-sent events. */
import { exports } from 'cloudflare:workers';
import { vi } from 'vitest';
import type { Person } from './api.ts';

/** One message of a stream. */
export interface LiveMessage {
  readonly seq: number;
  readonly type: 'snapshot' | 'slot' | 'booking';
  // eslint-disable-next-line typescript/no-explicit-any -- tests read members of whatever came
  readonly data: any;
}

const worker = (exports as unknown as { default: Fetcher }).default;

/** What opens a stream. */
export interface Opening {
  readonly as?: Person;
  readonly headers?: Record<string, string>;
}

/** Asks for a stream; the answer may be a refusal. */
export function askLive(path: string, opening: Opening = {}): Promise<Response> {
  const headers = new Headers({ Upgrade: 'websocket', ...opening.headers });
  if (opening.as !== undefined) headers.set('Authorization', `Bearer ${opening.as.token}`);
  return worker.fetch(`https://holdfast.test${path}`, { headers });
}

/** An open WebSocket that keeps what it is told. */
export class Watcher {
  readonly messages: LiveMessage[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener('message', ({ data }) => {
      this.messages.push(JSON.parse(String(data)) as LiveMessage);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason };
    });
    socket.accept();
  }

  static async open(path: string, opening: Opening = {}): Promise<Watcher> {
    const response = await askLive(path, opening);
    if (response.webSocket === null) throw new Error(`${response.status}: no socket`);
    return new Watcher(response.webSocket);
  }

  get seqs(): number[] {
    return this.messages.map(({ seq }) => seq);
  }

  get lastSeq(): number {
    return this.seqs.at(-1) ?? 0;
  }

  /** Waits until so many messages have come. */
  async until(count: number): Promise<LiveMessage[]> {
    await vi.waitFor(() => {
      if (this.messages.length < count)
        throw new Error(`${this.messages.length} of ${count} messages`);
    });
    return this.messages;
  }

  close(): void {
    this.socket.close();
  }
}
