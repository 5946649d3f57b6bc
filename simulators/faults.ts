/**
 * The fault script: what goes wrong, at which operation, how often. Rules live in memory only, so a
 * restart clears them. Owns matching and counting; must never touch a socket or the money, which
 * the processors' routes do with the plan they get.
 */

/** Operations that a rule can name; each processor maps its own calls onto them. */
export const FAULT_OPERATIONS = [
  'create',
  'confirm',
  'authorize',
  'capture',
  'void',
  'refund',
  'fetch',
  'list',
] as const;

/** What can go wrong. */
export const FAULT_KINDS = [
  'latency',
  'timeout_before',
  'timeout_after',
  'http_500',
  'http_429',
  'reset',
  'webhook_drop',
  'webhook_duplicate',
  'webhook_reorder',
  'webhook_delay',
] as const;

/** One of FAULT_OPERATIONS. */
export type FaultOperation = (typeof FAULT_OPERATIONS)[number];
/** One of FAULT_KINDS. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** A rule of the script. `count` null is without limit; `after` moves a reset behind the effect. */
export interface FaultRule {
  readonly processor: string;
  readonly operation: FaultOperation | null;
  readonly fault: FaultKind;
  readonly probability: number;
  readonly count: number | null;
  readonly ms: number | null;
  readonly after: boolean;
  readonly seed: number;
}

/** A rule in force and how often it fired. */
export interface ActiveFault extends FaultRule {
  readonly id: string;
  readonly fired: number;
}

/** How one call ends. `none` is the ordinary answer. */
export type CallEnding =
  | { readonly kind: 'none' }
  | { readonly kind: 'http_500' | 'http_429' }
  | {
      readonly kind: 'close_before' | 'close_after';
      readonly ms: number;
      readonly isReset: boolean;
    };

/** What the script does to one call. */
export interface CallPlan {
  readonly latencyMs: number;
  readonly ending: CallEnding;
}

/** What the script does to one event. */
export interface EventPlan {
  readonly isDropped: boolean;
  readonly copies: number;
  readonly delayMs: number;
  readonly isReordered: boolean;
}

/** A connection without an answer is closed after this long, unless the rule says otherwise. */
const NO_ANSWER_MS = 15_000;
const LATENCY_MS = 1000;
const WEBHOOK_DELAY_MS = 5000;
/** A reordered event that nothing overtakes is sent after this long. */
const REORDER_WAIT_MS = 2000;

interface Entry {
  readonly id: string;
  readonly rule: FaultRule;
  readonly random: () => number;
  fired: number;
}

/** Which call or event is asked about. A null operation is a payer's or a clock's doing. */
export interface FaultPoint {
  readonly processor: string;
  readonly operations: readonly FaultOperation[];
}

/** The script in force. */
export class FaultScript {
  #entries: Entry[] = [];
  #nextNumber = 1;

  /** Adds a rule behind those in force. */
  add(rule: FaultRule): ActiveFault {
    const entry: Entry = {
      id: `fault_${String(this.#nextNumber)}`,
      rule,
      random: seededRandom(rule.seed),
      fired: 0,
    };
    this.#nextNumber += 1;
    this.#entries.push(entry);
    return { id: entry.id, ...rule, fired: 0 };
  }

  /** Ends every rule. */
  clear(): void {
    this.#entries = [];
  }

  /** The rules in force, oldest first. */
  active(): ActiveFault[] {
    return this.#entries.map(({ id, rule, fired }) => ({ id, ...rule, fired }));
  }

  /**
   * Decides one call. Latencies add up; the first other rule that fires decides how it ends.
   * A 500 never fires on a replayed answer, because the stored one stands.
   */
  planCall(point: FaultPoint, options: { readonly isReplay: boolean }): CallPlan {
    let latencyMs = 0;
    for (const entry of this.#entries) {
      const { rule } = entry;
      if (rule.fault.startsWith('webhook_') || !matches(rule, point)) continue;
      if (rule.fault === 'http_500' && options.isReplay) continue;
      if (!fires(entry)) continue;
      if (rule.fault !== 'latency') return { latencyMs, ending: endingOf(rule) };
      latencyMs += rule.ms ?? LATENCY_MS;
    }
    return { latencyMs, ending: { kind: 'none' } };
  }

  /** Decides one event; a dropped one is not also delayed. */
  planEvent(point: FaultPoint): EventPlan {
    const plan = { isDropped: false, copies: 1, delayMs: 0, isReordered: false };
    for (const entry of this.#entries) {
      const { rule } = entry;
      if (!rule.fault.startsWith('webhook_') || !matches(rule, point) || !fires(entry)) continue;
      if (rule.fault === 'webhook_drop') return { ...plan, isDropped: true };
      if (rule.fault === 'webhook_duplicate') plan.copies += 1;
      if (rule.fault === 'webhook_delay') plan.delayMs += rule.ms ?? WEBHOOK_DELAY_MS;
      if (rule.fault === 'webhook_reorder') {
        plan.delayMs += rule.ms ?? REORDER_WAIT_MS;
        plan.isReordered = true;
      }
    }
    return plan;
  }
}

function matches(rule: FaultRule, point: FaultPoint): boolean {
  if (rule.processor !== point.processor) return false;
  return rule.operation === null || point.operations.includes(rule.operation);
}

function fires(entry: Entry): boolean {
  if (entry.rule.count !== null && entry.fired >= entry.rule.count) return false;
  if (entry.random() >= entry.rule.probability) return false;
  entry.fired += 1;
  return true;
}

function endingOf(rule: FaultRule): CallEnding {
  const ms = rule.ms ?? NO_ANSWER_MS;
  if (rule.fault === 'timeout_before') return { kind: 'close_before', ms, isReset: false };
  if (rule.fault === 'timeout_after') return { kind: 'close_after', ms, isReset: false };
  if (rule.fault === 'reset') {
    return { kind: rule.after ? 'close_after' : 'close_before', ms: 0, isReset: true };
  }
  return { kind: rule.fault === 'http_429' ? 'http_429' : 'http_500' };
}

/** mulberry32: small, fast, and the same sequence for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
