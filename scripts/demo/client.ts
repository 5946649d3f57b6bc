/** The demo's way to speak to the platform: plain calls, and expectations that say what came instead. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export type JsonObject = { readonly [field: string]: unknown };

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: JsonObject;
}

export interface CallOptions {
  readonly token?: string | undefined;
  readonly body?: unknown;
}

/** Something came that the story did not expect; shown without a stack. */
export class Surprise extends Error {}

export class Client {
  readonly #baseUrl: string;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  get(path: string, token?: string): Promise<Answer> {
    return this.#call('GET', path, { token });
  }

  post(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.#call('POST', path, { body: {}, ...options });
  }

  patch(path: string, options: CallOptions): Promise<Answer> {
    return this.#call('PATCH', path, options);
  }

  delete(path: string, token: string): Promise<Answer> {
    return this.#call('DELETE', path, { token });
  }

  async #call(method: string, path: string, options: CallOptions): Promise<Answer> {
    const response = await fetch(this.#baseUrl + path, {
      method,
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return { status: response.status, text, json: parse(text) };
  }
}

/** The answer's body, if it has the status (and the code) that the story needs. */
export function expectAnswer(answer: Answer, status: number, code?: string): JsonObject {
  const isExpected =
    answer.status === status && (code === undefined || answer.json['code'] === code);
  if (isExpected) return answer.json;
  const wanted = code === undefined ? String(status) : `${status} ${code}`;
  throw new Surprise(`expected ${wanted}, but ${answer.status} came: ${answer.text.slice(0, 500)}`);
}

/** Compares two values that must be the same. */
export function expectSame(what: string, got: unknown, wanted: unknown): void {
  if (JSON.stringify(got) === JSON.stringify(wanted)) return;
  throw new Surprise(`expected ${what} ${JSON.stringify(wanted)}, but ${JSON.stringify(got)} came`);
}

/** Asks again until the answer is there; a surprise when the time is up. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null>,
  withinMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) throw new Surprise(`expected ${what} within ${withinMs} ms`);
    await sleep(50);
  }
}

/** A text field. */
export function textOf(value: JsonObject | undefined, name: string): string {
  const text = value?.[name];
  if (typeof text === 'string') return text;
  throw new Surprise(`expected a text "${name}" in ${JSON.stringify(value)}`);
}

/** An object field. */
export function objectOf(value: JsonObject, name: string): JsonObject {
  const object = value[name];
  if (typeof object === 'object' && object !== null) return object as JsonObject;
  throw new Surprise(`expected an object "${name}" in ${JSON.stringify(value)}`);
}

/** A list of objects. */
export function listOf(value: JsonObject, name: string): readonly JsonObject[] {
  const list = value[name];
  if (Array.isArray(list)) return list as readonly JsonObject[];
  throw new Surprise(`expected a list "${name}" in ${JSON.stringify(value)}`);
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
  } catch {
    return {}; // An empty answer, or one that is not JSON; the status tells.
  }
}
