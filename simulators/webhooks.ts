/**
 * Delivery of signed events: after the answer was sent, again until a 2xx, on a growing schedule.
 * Owns timers and sockets towards the platform; the rows live in event-log.ts, so that a restart
 * goes on where it stopped. Must never deliver an event before its effect is durable.
 */
import { request as httpRequest, Agent } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import type { Clock } from './clock.ts';
import type { Delivery, DeliveryUpdate, EventLog } from './event-log.ts';
import type { Store } from './store.ts';

/** Seconds to wait before each retry. Short first, so that a person sees one; about 3 days in all. */
export const RETRY_SCHEDULE_SECONDS: readonly number[] = [
  1, 5, 30, 300, 1800, 3600, 7200, 14_400, 28_800, 57_600, 86_400, 57_600,
];

/** A receiver that does not answer within this time has failed the attempt. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Deliveries in flight at once; more wait in order. */
const CONCURRENCY_MAX = 32;

/** Where one processor's events go and how they are signed. `url` null: nobody is subscribed. */
export interface WebhookTarget {
  readonly url: string | null;
  /** Seconds before each retry where the processor has its own; RETRY_SCHEDULE_SECONDS otherwise. */
  readonly retryScheduleSeconds?: readonly number[];
  /** Whether an attempt that ended so is made again (null: no answer); always, where this is absent. */
  isRetried?(status: number | null): boolean;
  /** The bytes on the wire, from the stored JSON of the event; `attempts` were made before. */
  wireBody(body: string, attempts: number): string;
  /** Headers of one attempt; called per attempt, because the signature carries the time. */
  headers(wireBody: string): Record<string, string>;
}

/** What the scheduler works with. */
export interface WebhookDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly targets: ReadonlyMap<string, WebhookTarget>;
}

/** Sends what is pending. All state is in the event log; losing this object loses nothing. */
export class Webhooks {
  readonly #deps: WebhookDependencies;
  readonly #agents = {
    plain: new Agent({ keepAlive: true }),
    tls: new TlsAgent({ keepAlive: true }),
  };
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #held = new Set<string>();
  #ready: string[] = [];
  #inFlightCount = 0;
  #isStopped = false;

  constructor(deps: WebhookDependencies) {
    this.#deps = deps;
  }

  /** Takes up every delivery a former run left pending. */
  resume(): void {
    for (const row of this.#deps.events.pending()) this.#schedule(row.eventId, row.nextAttemptAtMs);
  }

  /** Frees events whose answer was sent; `heldIds` of them wait for a later event to overtake them. */
  release(eventIds: readonly string[], heldIds: ReadonlySet<string>): void {
    for (const eventId of eventIds) {
      const delivery = this.#deps.events.delivery(eventId);
      if (delivery?.status !== 'pending') continue;
      if (heldIds.has(eventId)) this.#held.add(eventId);
      this.#schedule(eventId, delivery.nextAttemptAtMs ?? 0);
    }
  }

  /** Sends one event again now, whatever became of it. False when there is no such event. */
  resend(eventId: string): boolean {
    const { events, store, clock } = this.#deps;
    if (events.body(eventId) === null) return false;
    const attempts = events.delivery(eventId)?.attempts ?? 0;
    const nextAttemptAtMs = clock.nowMs();
    store.apply(() => {
      events.saveDelivery(eventId, {
        status: 'pending',
        attempts,
        copies: 1,
        lastStatus: null,
        nextAttemptAtMs,
      });
    });
    this.#schedule(eventId, nextAttemptAtMs);
    return true;
  }

  /** Ends timers and idle connections; what was pending stays pending in the log. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#ready = [];
    this.#agents.plain.destroy();
    this.#agents.tls.destroy();
  }

  #schedule(eventId: string, atMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timers.get(eventId));
    this.#timers.delete(eventId);
    const waitMs = atMs - this.#deps.clock.nowMs();
    if (waitMs <= 0) {
      this.#ready.push(eventId);
      this.#pump();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(eventId);
      this.#ready.push(eventId);
      this.#pump();
    }, waitMs);
    this.#timers.set(eventId, timer);
  }

  #pump(): void {
    while (this.#inFlightCount < CONCURRENCY_MAX) {
      const eventId = this.#ready.shift();
      if (eventId === undefined) return;
      this.#inFlightCount += 1;
      void this.#attempt(eventId).finally(() => {
        this.#inFlightCount -= 1;
        this.#pump();
      });
    }
  }

  async #attempt(eventId: string): Promise<void> {
    if (this.#isStopped) return;
    await this.#deps.store.durable();
    const delivery = this.#deps.events.delivery(eventId);
    const target = this.#deps.targets.get(delivery?.processor ?? '');
    if (delivery?.status !== 'pending' || !target?.url) return;
    this.#held.delete(eventId);
    const body = target.wireBody(delivery.body, delivery.attempts);
    const status = await this.#post(target.url, body, target.headers(body));
    // A response that came while stopping is forgotten: the event is sent again after the restart.
    if (this.#isStopped) return;
    const update = this.#afterAttempt(delivery, status, target);
    this.#deps.store.apply(() => {
      this.#deps.events.saveDelivery(eventId, update);
    });
    if (update.nextAttemptAtMs !== null) this.#schedule(eventId, update.nextAttemptAtMs);
    if (update.status === 'delivered') this.#letHeldFollow();
  }

  #afterAttempt(delivery: Delivery, status: number | null, target: WebhookTarget): DeliveryUpdate {
    const attempts = delivery.attempts + 1;
    const isTaken = status !== null && status >= 200 && status < 300;
    if (isTaken && delivery.copies <= 1) {
      return {
        status: 'delivered',
        attempts,
        copies: 0,
        lastStatus: status,
        nextAttemptAtMs: null,
      };
    }
    const nowMs = this.#deps.clock.nowMs();
    if (isTaken) {
      const copies = delivery.copies - 1;
      return { status: 'pending', attempts, copies, lastStatus: status, nextAttemptAtMs: nowMs };
    }
    const schedule = target.retryScheduleSeconds ?? RETRY_SCHEDULE_SECONDS;
    const waitSeconds = schedule[delivery.attempts];
    const copies = delivery.copies;
    if (waitSeconds === undefined || target.isRetried?.(status) === false) {
      return { status: 'failed', attempts, copies, lastStatus: status, nextAttemptAtMs: null };
    }
    const nextAttemptAtMs = nowMs + waitSeconds * 1000;
    return { status: 'pending', attempts, copies, lastStatus: status, nextAttemptAtMs };
  }

  /** A reordered event was waiting to be overtaken; now it has been. */
  #letHeldFollow(): void {
    for (const eventId of this.#held) this.#schedule(eventId, 0);
    this.#held.clear();
  }

  /** One POST; the status, or null when there was no answer. Redirects are not followed. */
  #post(url: string, body: string, headers: Record<string, string>): Promise<number | null> {
    const isTls = url.startsWith('https:');
    return new Promise((resolve) => {
      const request = (isTls ? httpsRequest : httpRequest)(
        url,
        {
          method: 'POST',
          agent: isTls ? this.#agents.tls : this.#agents.plain,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
          timeout: ANSWER_TIMEOUT_MS,
        },
        (response) => {
          response.resume();
          response.once('end', () => {
            resolve(response.statusCode ?? null);
          });
          response.once('error', () => {
            resolve(null);
          });
        },
      );
      request.once('timeout', () => request.destroy());
      request.once('error', () => {
        resolve(null);
      });
      request.end(body);
    });
  }
}
