/**
 * Server-sent events made of a shard's socket: the object knows sockets only, so that it may hibernate whichever way
 * people watch, and a slow reader is felt here and not there. Source: WHATWG HTML, 9.2 (server-sent events).
 */

/** Messages that may wait for a slow reader; then it is dropped, and comes back with its place in the stream. */
const WAITING_MAX = 256;
/** Proxies end connections on which nothing is said; 15 s is what the standard suggests. */
const KEEP_ALIVE_MS = 15_000;
/** How soon a client comes back by itself, in milliseconds. */
const RETRY_MS = 1_000;

/** A stream of events from an open socket; it ends when either side does. */
export function eventStream(socket: WebSocket): Response {
  const stream = new SocketEvents(socket);
  const body = new ReadableStream<Uint8Array>(stream, { highWaterMark: 0 });
  return new Response(body, {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // Proxies that gather answers would deliver events late.
      'X-Accel-Buffering': 'no',
    },
  });
}

/** The events of a socket as the source of a stream. */
class SocketEvents implements UnderlyingSource<Uint8Array> {
  readonly #socket: WebSocket;
  readonly #encoder = new TextEncoder();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isOver = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#write(controller, `retry: ${RETRY_MS}\n\n`);
    this.#timer = setInterval(() => this.#write(controller, ': keep-alive\n\n'), KEEP_ALIVE_MS);
    this.#socket.addEventListener('message', ({ data }) => {
      this.#write(controller, eventOf(String(data)));
    });
    this.#socket.addEventListener('close', () => {
      if (this.#end()) controller.close();
    });
    this.#socket.accept();
  }

  cancel(): void {
    this.#end();
  }

  #write(controller: ReadableStreamDefaultController<Uint8Array>, text: string): void {
    if (this.#isOver) return;
    if ((controller.desiredSize ?? 0) > -WAITING_MAX) {
      controller.enqueue(this.#encoder.encode(text));
    } else if (this.#end()) {
      controller.error(new Error('the reader is too slow'));
    }
  }

  /** Ends both sides once; false when that was done before. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#socket.close();
    return true;
  }
}

/** One event. The message is one line of JSON, and its number is the id that the client comes back with. */
function eventOf(message: string): string {
  const { seq } = JSON.parse(message) as { seq: number };
  return `id: ${seq}\ndata: ${message}\n\n`;
}
