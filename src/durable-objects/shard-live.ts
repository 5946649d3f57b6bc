/**
 * Live availability of one shard: joins the desk that knows what changed with the sockets that are told. Called by the
 * shard's object at the seams of its transactions, and for everything that comes over a socket.
 */
import { LiveDesk } from '../application/live/live-desk.ts';
import type { ShardState } from '../application/shard-state.ts';
import { WATCH_HEADER, watchSchema, type Watch } from '../contracts/live.ts';
import { refuse, type Refusal, type Result } from '../domain/result.ts';
import { createLiveStore } from '../storage/durable/live-store.ts';
import { LiveSockets } from './live-sockets.ts';

const NOT_FOUND = refuse('not_found', 'There is no such thing.').refusal;
const FULL = refuse('overloaded', 'Too many watch this venue; ask again, or poll.', {
  retryAfterSeconds: 30,
}).refusal;

/** Decides in a transaction of the shard, deadlines first. */
type Decide = <T>(work: () => T) => Promise<T>;

export class ShardLive {
  readonly #ctx: DurableObjectState;
  readonly #sockets: LiveSockets;
  readonly #decide: Decide;
  #desk: LiveDesk | null = null;

  constructor(ctx: DurableObjectState, decide: Decide) {
    this.#ctx = ctx;
    this.#sockets = new LiveSockets(ctx);
    this.#decide = decide;
  }

  /** The shard was loaded. */
  load(shard: ShardState): void {
    const desk = new LiveDesk(shard, createLiveStore(this.#ctx.storage.sql));
    this.#ctx.storage.transactionSync(() => desk.reconcile(this.#sockets.topics));
    this.#desk = desk;
  }

  /** First in a transaction, once its instant is known. */
  begin(): void {
    this.#desk?.begin();
  }

  /** Last in a transaction, before rows are flushed. */
  settle(): void {
    this.#desk?.settle();
  }

  /** The transaction stands. The runtime holds what is sent until it is on disk. */
  settled(): void {
    for (const { topics, text } of this.#desk?.take() ?? []) {
      for (const topic of topics) this.#sockets.send(topic, text);
    }
  }

  /** Opens a socket for the Worker, or answers with the refusal as JSON. */
  async open(request: Request): Promise<Response> {
    const watch = watchSchema.parse(JSON.parse(request.headers.get(WATCH_HEADER) ?? 'null'));
    const admitted = await this.#admit(watch);
    if (!admitted.ok) return Response.json(admitted.refusal, { status: 409 });
    // No await from here on: nothing may change between the stream's beginning and its first message.
    return this.#sockets.accept(watch.topic, this.#desk?.resume(watch) ?? []);
  }

  /** A socket said something. */
  message(socket: WebSocket): void {
    this.#sockets.refuse(socket);
  }

  /** A socket is gone. */
  async closed(socket: WebSocket): Promise<void> {
    const topic = this.#sockets.forget(socket);
    if (topic !== null) await this.#decide(() => this.#desk?.leave(topic));
  }

  async #admit(watch: Watch): Promise<Result<null>> {
    const desk = this.#desk;
    if (desk === null) return refused(NOT_FOUND);
    if (this.#sockets.isFull) return refused(FULL);
    return this.#decide(() => desk.admit(watch));
  }
}

function refused(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}
