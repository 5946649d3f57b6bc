/**
 * One simulated world: clock, store, objects, books, events, faults and the request log, tied
 * together. Owns their construction and the application of lifetimes; must never know a processor
 * beyond the name it registers under.
 */
import { Books } from './books.ts';
import { Clock } from './clock.ts';
import { Deadlines } from './deadlines.ts';
import { EventLog } from './event-log.ts';
import { FaultScript, type FaultOperation } from './faults.ts';
import { ObjectTable } from './object-table.ts';
import { RequestLog } from './request-log.ts';
import { Store, type StateLocation } from './store.ts';
import { Webhooks, type WebhookTarget } from './webhooks.ts';

/**
 * Why an effect happens: a processor's call, or (with null) a payer, the clock, a person.
 * Collects the events it raised, which are freed once the answer has been sent.
 */
export interface Cause {
  readonly requestId: string | null;
  readonly idempotencyKey: string | null;
  readonly operations: readonly FaultOperation[];
  readonly eventIds: string[];
  readonly heldEventIds: Set<string>;
}

/** A new cause without a call behind it. */
export function makeCause(parts: Partial<Omit<Cause, 'eventIds' | 'heldEventIds'>> = {}): Cause {
  return {
    requestId: parts.requestId ?? null,
    idempotencyKey: parts.idempotencyKey ?? null,
    operations: parts.operations ?? [],
    eventIds: [],
    heldEventIds: new Set(),
  };
}

/** An event as a processor raises it; `body` is its JSON. */
export interface RaisedEvent {
  readonly id: string;
  readonly processor: string;
  readonly type: string;
  readonly objectId: string;
  readonly body: string;
}

/** What a world is made of. */
export interface WorldOptions {
  readonly state: StateLocation;
  readonly clockOffsetSeconds: number;
}

/** All shared machinery of the simulators. */
export class World {
  readonly store: Store;
  readonly clock: Clock;
  readonly objects: ObjectTable;
  readonly books: Books;
  readonly events: EventLog;
  readonly deadlines: Deadlines;
  readonly faults = new FaultScript();
  readonly requests = new RequestLog();
  readonly webhooks: Webhooks;
  readonly #targets = new Map<string, WebhookTarget>();
  /** Why deadlines being applied right now happen; set only within applyDeadlines(). */
  #deadlineCause: Cause = makeCause();

  constructor(options: WorldOptions) {
    this.store = new Store(options.state);
    this.clock = new Clock(this.store, options.clockOffsetSeconds);
    this.objects = new ObjectTable(this.store);
    this.books = new Books(this.store, this.clock);
    this.events = new EventLog(this.store, this.clock);
    this.deadlines = new Deadlines(this.store, this.clock);
    this.webhooks = new Webhooks({
      store: this.store,
      clock: this.clock,
      events: this.events,
      targets: this.#targets,
    });
  }

  /** Registers where a processor's events go. */
  addTarget(processor: string, target: WebhookTarget): void {
    this.#targets.set(processor, target);
  }

  /** The cause under which deadline handlers run. */
  get deadlineCause(): Cause {
    return this.#deadlineCause;
  }

  /** Records an event inside the current call and plans its delivery by the fault script. */
  raise(cause: Cause, event: RaisedEvent, isSubscribed: boolean): void {
    const hasReceiver = isSubscribed && Boolean(this.#targets.get(event.processor)?.url);
    if (!hasReceiver) {
      this.events.append({ ...event, delivery: null });
      return;
    }
    const plan = this.faults.planEvent({
      processor: event.processor,
      operations: cause.operations,
    });
    this.events.append({ ...event, delivery: plan });
    cause.eventIds.push(event.id);
    if (plan.isReordered) cause.heldEventIds.add(event.id);
  }

  /** Sends a cause's events: to be called when its answer is out, or will never be. */
  releaseEvents(cause: Cause): void {
    if (cause.eventIds.length > 0) this.webhooks.release(cause.eventIds, cause.heldEventIds);
  }

  /** Applies every lifetime that has run out on the virtual clock; answers how many. */
  applyDeadlines(): number {
    if (!this.deadlines.hasDue()) return 0;
    this.#deadlineCause = makeCause();
    const appliedCount = this.store.apply(() => this.deadlines.applyDue());
    this.releaseEvents(this.#deadlineCause);
    return appliedCount;
  }

  /** Ends deliveries and closes the state file; everything answered is on disk. */
  close(): void {
    this.webhooks.stop();
    this.store.close();
  }
}
