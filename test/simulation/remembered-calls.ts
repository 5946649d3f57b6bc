/**
 * Calls under a key, as their customers remember them: the first definite answer to a key is the answer for ever,
 * however often it is asked again and whoever died in between.
 */
import type { KeyedReply } from '../../src/contracts/calls.ts';
import { TRANSIENT_CODES, type RefusalCode } from '../../src/domain/codes.ts';

/** A keyed call as its customer remembers it. */
interface Call {
  readonly run: () => Promise<KeyedReply<unknown>>;
  /** The first definite answer, null while there is none. */
  answer: string | null;
  hasDied: boolean;
}

/** What it tells of a path that a run is to have taken. */
const PATHS: { readonly [code in RefusalCode]?: string } = {
  refund_exceeds_captured: 'a refund of more than was left was refused',
  quota_exhausted: 'a plan was used up',
  idempotency_key_in_progress: 'a key was in progress',
};

/** What the memory needs of its world. */
export interface CallWorld {
  readonly seen: Set<string>;
  /** Begins work that goes on beside everything else. */
  start(name: string, work: () => Promise<unknown>): void;
  /** Told of every answer under the name that its call was first made with. */
  answered(name: string, reply: object): void;
}

export class RememberedCalls {
  readonly #world: CallWorld;
  readonly #calls = new Map<string, Call>();
  readonly #running = new Set<string>();

  constructor(world: CallWorld) {
    this.#world = world;
  }

  get keys(): IterableIterator<string> {
    return this.#calls.keys();
  }

  /** A first call under a key. */
  make(name: string, key: string, run: Call['run']): void {
    this.#calls.set(key, { run, answer: null, hasDied: false });
    this.#ask(name, key);
  }

  /** The same call again; nothing for a key that was never used. */
  repeat(key: string): void {
    if (this.#calls.has(key)) this.#ask('repeat', key);
  }

  /** Whoever made the calls under way is gone. */
  die(): void {
    for (const key of this.#running) {
      const call = this.#calls.get(key);
      if (call !== undefined) call.hasDied = true;
    }
    this.#running.clear();
  }

  #ask(name: string, key: string): void {
    const call = this.#calls.get(key);
    if (call === undefined) return;
    this.#running.add(key);
    this.#world.start(`${name} ${key}`, async () => {
      // A notice is for the member's object, and no part of the answer.
      const { replayed, notices: _, ...reply } = { notices: [], ...(await call.run()) };
      this.#running.delete(key);
      if (replayed) this.#world.seen.add('an answer was replayed');
      this.#compare(call, reply);
      this.#world.answered(name, reply);
    });
  }

  #compare(call: Call, reply: object): void {
    const code = 'refusal' in reply ? (reply.refusal as { code: RefusalCode }).code : null;
    const path = code === null ? undefined : PATHS[code];
    if (path !== undefined) this.#world.seen.add(path);
    if (code !== null && TRANSIENT_CODES.has(code)) return;
    if (call.hasDied) this.#world.seen.add('a call was resumed after a crash');
    const answer = JSON.stringify(reply);
    call.answer ??= answer;
    if (call.answer !== answer) throw new Error(`one key, two answers:\n${call.answer}\n${answer}`);
  }
}
