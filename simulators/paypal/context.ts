/**
 * What every PayPal operation works in: the world, the cause of the effect, the address of the
 * simulators. Also the one place that reads and writes typed objects; must never do HTTP.
 */
import type { JsonObject } from '../json.ts';
import type { Cause, World } from '../world.ts';
import { notFound } from './errors.ts';
import type { PaypalKinds, PaypalRecord } from './records.ts';

/** The name under which everything of PayPal's is filed. */
export const PROCESSOR = 'paypal';

/** PayPal's identifiers are 17 capitals and digits. */
const ID_LENGTH = 17;

/** One operation's surroundings. `baseUrl` is the simulators' own address. */
export interface PaypalContext {
  readonly world: World;
  readonly cause: Cause;
  readonly baseUrl: string;
}

/** What an object is filed under. */
export interface Filing {
  readonly customerId?: string | null;
  readonly parentId?: string | null;
}

/** The object, or null. */
export function find<K extends keyof PaypalKinds>(
  ctx: PaypalContext,
  kind: K,
  id: string,
): PaypalKinds[K] | null {
  // The file holds what insert() and save() wrote under this kind, so the shape is known.
  return ctx.world.objects.find(fileKind(kind), id) as unknown as PaypalKinds[K] | null;
}

/** The object that the path addresses. Errors: 404. */
export function findAddressed<K extends keyof PaypalKinds>(
  ctx: PaypalContext,
  kind: K,
  id: string,
): PaypalKinds[K] {
  const object = find(ctx, kind, id);
  if (object) return object;
  throw notFound();
}

/** The object that the simulator's own books say exists. */
export function findKnown<K extends keyof PaypalKinds>(
  ctx: PaypalContext,
  kind: K,
  id: string | null,
): PaypalKinds[K] {
  const object = id === null ? null : find(ctx, kind, id);
  if (object) return object;
  throw new Error(`The books lack ${kind} ${String(id)}.`);
}

/** Adds a new object. */
export function insert(ctx: PaypalContext, object: PaypalRecord, filing: Filing = {}): void {
  ctx.world.objects.insert({
    id: object.id,
    processor: PROCESSOR,
    kind: fileKind(object.kind),
    createdSeconds: Math.floor(object.createdAtMs / 1000),
    customerId: filing.customerId ?? null,
    parentId: filing.parentId ?? null,
    body: object,
    secrets: {},
  });
}

/**
 * Writes a changed object back. What a lifetime changed carries the instant that was promised for it,
 * because the virtual clock runs ahead of the stamps.
 */
export function save(ctx: PaypalContext, object: PaypalRecord, atMs = nowMs(ctx)): void {
  object.updatedAtMs = atMs;
  ctx.world.objects.update(object.id, object);
}

/** Objects of a kind, newest first, at most `limit`. Ranges are Unix seconds of the start clock. */
export function listOf<K extends keyof PaypalKinds>(
  ctx: PaypalContext,
  kind: K,
  query: {
    readonly limit: number;
    readonly parentId?: string | undefined;
    readonly customerId?: string | undefined;
    readonly createdFrom?: number | undefined;
    readonly createdTo?: number | undefined;
  },
): PaypalKinds[K][] {
  const rows: JsonObject[] = ctx.world.objects.list({
    processor: PROCESSOR,
    kind: fileKind(kind),
    ...query,
  });
  return rows.slice(0, query.limit) as unknown as PaypalKinds[K][];
}

/** A new identifier in PayPal's form. */
export function newId(ctx: PaypalContext): string {
  return ctx.world.store
    .newId('p')
    .slice(2, 2 + ID_LENGTH)
    .toUpperCase();
}

/** Start clock in milliseconds. */
export function nowMs(ctx: PaypalContext): number {
  return ctx.world.clock.nowMs();
}

/** The creation and change instants of a new object. */
export function stamps(ctx: PaypalContext): {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
} {
  const atMs = nowMs(ctx);
  return { createdAtMs: atMs, updatedAtMs: atMs };
}

/** PayPal writes instants without fractions of a second. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The payer's page of an object. */
export function payerUrl(ctx: PaypalContext, id: string): string {
  return `${ctx.baseUrl}/pay/paypal/${id}`;
}

/** Processors share one table, and some kinds have the same name at each. */
function fileKind(kind: keyof PaypalKinds): string {
  return `${PROCESSOR}_${kind}`;
}
