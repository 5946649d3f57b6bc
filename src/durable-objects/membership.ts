/**
 * Membership: the single writer of what one member may still do. Identity: the member's user id is the object's name.
 * Storage: entitlement, reservation; nothing is written for a member who never had a plan. Alarm: the last resort for
 * reservations that no shard reported. After eviction everything is loaded from storage. It decides from memory, asks
 * shards what became of reservations, and never asks D1 or a processor.
 */
import { OutcomeAsker } from '../application/grant/outcome-asker.ts';
import { HoldBudget } from '../application/membership/hold-budget.ts';
import { MemberState } from '../application/membership/member-state.ts';
import { MembershipDesk } from '../application/membership/membership-desk.ts';
import type {
  AccessVerdict,
  AdmitCommand,
  AdmitReply,
  Entitlements,
  GrantOutcome,
  MembershipRpc,
  MembershipUsage,
} from '../contracts/membership-rpc.ts';
import { createMembershipStore } from '../storage/durable/membership-store.ts';
import { AskingObject } from './asking-object.ts';

/** Where earlier deployments kept rights, in a shape that says too little; billing pushes them again. */
const FORMER_KEY = 'entitlements';

export class Membership extends AskingObject implements MembershipRpc {
  readonly #asker: OutcomeAsker;
  readonly #desk: MembershipDesk;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { storage } = ctx;
    if (storage.kv.get(FORMER_KEY) !== undefined) storage.kv.delete(FORMER_KEY);
    const ports = {
      clock: this.clock,
      log: this.log,
      state: new MemberState(createMembershipStore(storage), () => this.arm()),
      shard: (shardKey: string) => this.askable(shardKey),
    };
    this.#asker = new OutcomeAsker(ports);
    this.#desk = new MembershipDesk({ ...ports, asker: this.#asker, budget: new HoldBudget() });
    this.arm();
  }

  async putEntitlements(entitlements: Entitlements): Promise<void> {
    this.#desk.putEntitlements(entitlements);
  }

  admit(command: AdmitCommand): Promise<AdmitReply> {
    return this.#desk.admit(command);
  }

  async standing(): Promise<AccessVerdict> {
    return this.#desk.standing();
  }

  async settle(outcomes: readonly GrantOutcome[]): Promise<void> {
    this.#desk.settle(outcomes);
  }

  async usage(): Promise<MembershipUsage> {
    return this.#desk.usage();
  }

  protected look(): Promise<void> {
    return this.#desk.look();
  }

  protected nextDueMs(): number | null {
    return this.#asker.nextDueMs();
  }
}
