/**
 * The sockets of one shard. Hibernating: an idle one costs no memory of the object, and the runtime answers pings. Each
 * carries the id of what it watches as its tag, which survives hibernation. Knows nothing of what is sent.
 */

/** Sockets of one object at most, well under the runtime's 32,768: a message to all of them is sent within a second. */
export const SOCKETS_MAX = 20_000;
/** Sends in one turn: a crowd of watchers must not keep those waiting who want to buy. */
const SENDS_PER_TURN = 500;
/** Source: RFC 6455, 7.4.1: the peer did what the policy does not allow. */
const POLICY_VIOLATION = 1008;

interface Sending {
  readonly sockets: readonly WebSocket[];
  readonly text: string;
  next: number;
}

export class LiveSockets {
  readonly #ctx: DurableObjectState;
  /** Open sockets by topic. */
  readonly #counts = new Map<string, number>();
  #total = 0;
  /** Those that are known to be gone; the runtime may tell twice, and may still list them. */
  readonly #gone = new WeakSet<WebSocket>();
  readonly #sending: Sending[] = [];

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    for (const socket of ctx.getWebSockets()) this.#count(this.#topicOf(socket), 1);
    if (this.#total > 0) this.#answerPings();
  }

  get topics(): ReadonlySet<string> {
    return new Set(this.#counts.keys());
  }

  get isFull(): boolean {
    return this.#total >= SOCKETS_MAX;
  }

  /** Takes a reader in and sends what its stream begins with, in one turn. */
  accept(topic: string, beginning: readonly string[]): Response {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours, [topic]);
    if (this.#total === 0) this.#answerPings();
    this.#count(topic, 1);
    for (const text of beginning) ours.send(text);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Sends to everybody who watches the topic now, in the order of the calls. */
  send(topic: string, text: string): void {
    if (!this.#counts.has(topic)) return;
    this.#sending.push({ sockets: this.#ctx.getWebSockets(topic), text, next: 0 });
    // More are waiting already when a pump is under way; it comes to this one in its turn.
    if (this.#sending.length === 1) this.#pump();
  }

  /** A reader said something, which nobody asked for: it would keep the object awake. */
  refuse(socket: WebSocket): void {
    socket.close(POLICY_VIOLATION, 'this stream is read only');
  }

  /** Forgets a socket; gives its topic when nobody watches that any more. */
  forget(socket: WebSocket): string | null {
    if (this.#gone.has(socket)) return null;
    this.#gone.add(socket);
    // The other end waits for the closing handshake to be answered.
    socket.close();
    const topic = this.#topicOf(socket);
    this.#count(topic, -1);
    return this.#counts.has(topic) ? null : topic;
  }

  #pump(): void {
    let left = SENDS_PER_TURN;
    for (;;) {
      const [first] = this.#sending;
      if (first === undefined) return;
      const socket = first.sockets[first.next];
      if (socket === undefined) {
        this.#sending.shift();
        continue;
      }
      if (left === 0) break;
      left -= 1;
      first.next += 1;
      trySend(socket, first.text);
    }
    setTimeout(() => this.#pump(), 0);
  }

  #answerPings(): void {
    this.#ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  #topicOf(socket: WebSocket): string {
    return this.#ctx.getTags(socket)[0] ?? '';
  }

  #count(topic: string, by: 1 | -1): void {
    this.#total += by;
    const count = (this.#counts.get(topic) ?? 0) + by;
    if (count <= 0) this.#counts.delete(topic);
    else this.#counts.set(topic, count);
  }
}

/** A reader that is gone is told by its close event; it has its place in the stream and comes back with it. */
function trySend(socket: WebSocket, text: string): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(text);
}
