/**
 * Finds Durable Objects and calls them: names, regions, placement, and what to do when a call fails on the way.
 * Every method of a shard is idempotent or keyed, so that a repeat is safe; a refusal is an answer and never repeated.
 */
import type { Entropy, ObjectDirectory } from '../application/ports.ts';
import type { InventoryShardRpc } from '../contracts/durable-rpc.ts';
import { WATCH_HEADER, type Watch } from '../contracts/live.ts';
import type { MembershipRpc } from '../contracts/membership-rpc.ts';
import type { PromotionRpc } from '../contracts/promotion-rpc.ts';
import { invariant, required } from '../domain/assert.ts';
import { isShardKey, regionOf } from '../domain/ids.ts';
import { providerOfPromotion } from '../domain/promotion/coupon.ts';

/** Calls in all, the first one included. */
const ATTEMPTS_MAX = 3;

/** Longest pause before the first repeat, in milliseconds; it doubles, and each pause is a random part of it. */
const PAUSE_MS_MAX = 20;

/** The object has more calls waiting than it can take; repeating would make it worse. Answered with 503 `overloaded`. */
export class ObjectOverloadedError extends Error {
  override readonly name = 'ObjectOverloadedError';
}

/** Namespaces of the objects, and whether this runtime keeps objects inside a jurisdiction. */
export interface ObjectOptions {
  readonly inventory: DurableObjectNamespace;
  readonly membership: DurableObjectNamespace;
  readonly promotion: DurableObjectNamespace;
  /**
   * False on the local runtime, which has no jurisdictions: the key alone names the object there.
   * Decided by configuration, because falling back after a failure would make two objects of one key.
   */
  readonly hasJurisdictions: boolean;
  readonly entropy: Entropy;
  /** Waits between attempts; tests do not. */
  readonly pause?: (ms: number) => Promise<void>;
}

/** Opens sockets to shards: what an RPC cannot hand over. */
export interface ShardSockets {
  /** Answers 101 with the socket, or the refusal as JSON. Never repeated: a reader that lost its answer comes back by itself. */
  watch(shardKey: string, watch: Watch): Promise<Response>;
}

/** No address of ours: an object is found by its name, and the runtime wants one all the same. */
const OBJECT_URL = 'https://object/live';

/** The directory over the Worker's namespaces. */
export function createObjectDirectory(options: ObjectOptions): ObjectDirectory & ShardSockets {
  const home = (all: DurableObjectNamespace, locator: string): DurableObjectNamespace =>
    options.hasJurisdictions && regionOf(locator) === 'eu' ? all.jurisdiction('eu') : all;
  return {
    shard: (shardKey, hint) => {
      invariant(isShardKey(shardKey), 'a shard is named by its key');
      const placement = hint === null || hint === undefined ? {} : { locationHint: asHint(hint) };
      return callable<InventoryShardRpc>(options, () =>
        home(options.inventory, shardKey).getByName(shardKey, placement),
      );
    },
    watch: (shardKey, watch) => {
      invariant(isShardKey(shardKey), 'a shard is named by its key');
      const headers = { Upgrade: 'websocket', [WATCH_HEADER]: JSON.stringify(watch) };
      return home(options.inventory, shardKey).getByName(shardKey).fetch(OBJECT_URL, { headers });
    },
    member: (memberId) =>
      callable<MembershipRpc>(options, () =>
        home(options.membership, locatorOf(memberId)).getByName(memberId),
      ),
    promotion: (name) => {
      const providerId = required(
        providerOfPromotion(name),
        'a promotion is named by its provider',
      );
      return callable<PromotionRpc>(options, () =>
        home(options.promotion, locatorOf(providerId)).getByName(name),
      );
    },
  };
}

/**
 * Runs a call, with a new stub each time, as long as the failure says that a repeat may help.
 * Errors: ObjectOverloadedError at once when the object sheds load; else the last failure.
 */
export async function withRetries<T>(
  call: () => Promise<T>,
  options: Pick<ObjectOptions, 'entropy' | 'pause'>,
): Promise<T> {
  const pause = options.pause ?? sleep;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (hasFlag(error, 'overloaded')) {
        throw new ObjectOverloadedError('The object sheds load.', { cause: error });
      }
      if (attempt === ATTEMPTS_MAX || !hasFlag(error, 'retryable')) throw error;
      await pause(jitterMs(attempt, options.entropy));
    }
  }
}

/** An object whose methods are those of the stub, each call with retries. */
function callable<T extends object>(options: ObjectOptions, stub: () => DurableObjectStub): T {
  return new Proxy({} as T, {
    get: (_target, method) => {
      // A thenable would be awaited instead of handed on.
      if (typeof method !== 'string' || method === 'then') return undefined;
      return (...args: unknown[]) =>
        withRetries(() => {
          const methods = stub() as unknown as Record<
            string,
            (...args: unknown[]) => Promise<unknown>
          >;
          return invoke(methods, method, args);
        }, options);
    },
  });
}

async function invoke(
  methods: Record<string, (...args: unknown[]) => Promise<unknown>>,
  method: string,
  args: unknown[],
): Promise<unknown> {
  return methods[method]?.(...args);
}

/** The runtime marks its own failures with boolean members of the error. */
function hasFlag(error: unknown, flag: 'retryable' | 'overloaded'): boolean {
  return error instanceof Error && (error as unknown as Record<string, unknown>)[flag] === true;
}

function jitterMs(attempt: number, entropy: Entropy): number {
  const [byte = 0] = entropy.bytes(1);
  return (byte / 256) * PAUSE_MS_MAX * 2 ** (attempt - 1);
}

/** What of an id names the region that it lives in. */
function locatorOf(id: string): string {
  return id.slice(id.indexOf('_') + 1);
}

function asHint(hint: string): DurableObjectLocationHint {
  return hint as DurableObjectLocationHint;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
