/**
 * Membership: what one member may do. Identity: the member's user id is the object's name.
 * Storage: one value with the entitlements that billing pushed. No alarm. After eviction it is read back at start.
 * It answers from memory, writes nothing for a member who never had a plan, and never asks D1.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../application/ports.ts';
import type { AccessVerdict, Entitlements, MembershipRpc } from '../contracts/durable-rpc.ts';
import { createClock } from '../platform/clock.ts';
import { readSettings } from '../platform/settings.ts';

const KEY = 'entitlements';

/** The feature that opens members' services. */
const MEMBERS_ACCESS = 'access.members';

export class Membership extends DurableObject<Env> implements MembershipRpc {
  readonly #clock: Clock;
  #entitlements: Entitlements | null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#clock = createClock(readSettings(env).clockOffsetMs);
    this.#entitlements = ctx.storage.kv.get<Entitlements>(KEY) ?? null;
  }

  /** Takes what billing pushed; an older version never replaces a newer one. */
  async putEntitlements(entitlements: Entitlements): Promise<void> {
    if (this.#entitlements !== null && this.#entitlements.version > entitlements.version) return;
    this.ctx.storage.kv.put(KEY, entitlements);
    this.#entitlements = entitlements;
  }

  /** Decides at this moment, without a staleness window. */
  async check(): Promise<AccessVerdict> {
    const held = this.#entitlements;
    const isRunning =
      held !== null && (held.validUntilMs === null || held.validUntilMs > this.#clock.nowMs());
    if (!isRunning) return { isMember: false, planId: null };
    return { isMember: held.features[MEMBERS_ACCESS] === true, planId: held.planId };
  }
}
