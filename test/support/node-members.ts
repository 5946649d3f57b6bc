/**
 * Members' objects in Node: the shipping desk over the shipping storage, with the clock of the test. They stand in for
 * the Durable Objects alone: memory is thrown away when the test says so, and calls fail when it says so.
 */
import { HoldBudget } from '../../src/application/membership/hold-budget.ts';
import { MemberState } from '../../src/application/membership/member-state.ts';
import { MembershipDesk } from '../../src/application/membership/membership-desk.ts';
import { OutcomeAsker } from '../../src/application/grant/outcome-asker.ts';
import type { Logger, ObjectDirectory } from '../../src/application/ports.ts';
import type { InventoryShardRpc } from '../../src/contracts/durable-rpc.ts';
import type {
  AccessVerdict,
  AdmitCommand,
  AdmitReply,
  Entitlements,
  GrantOutcome,
  MembershipRpc,
  MembershipUsage,
  QuotaUses,
} from '../../src/contracts/membership-rpc.ts';
import { NO_ACCESS, type PlanBenefits } from '../../src/domain/hold/hold.ts';
import { NO_USES } from '../../src/domain/hold/quota.ts';
import type { Reservation } from '../../src/domain/membership/reservation.ts';
import type { Features } from '../../src/domain/subscription/plan.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { createMembershipStore } from '../../src/storage/durable/membership-store.ts';
import type { FakeClock } from './fake-clock.ts';
import { NodePromotion } from './node-promotions.ts';
import { openNodeSql } from './node-sql.ts';

type Shard = Pick<InventoryShardRpc, 'grantOutcomes' | 'liveHoldsOf'>;

const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A verdict for a member whose plan counts nothing. */
export function memberVerdict(benefits: Partial<PlanBenefits> = {}): AccessVerdict {
  return {
    ...NO_ACCESS,
    isMember: true,
    planId: 'pln_a',
    benefits: {
      windowDays: null,
      earlyAccessMinutes: 0,
      categories: null,
      discountBps: 0,
      ...benefits,
    },
  };
}

export class NodeMember implements MembershipRpc {
  /** While false every call fails on its way. */
  isReachable = true;
  /** Everything that was told, in order. */
  readonly settled: GrantOutcome[] = [];
  readonly #id: string;
  readonly #clock: FakeClock;
  readonly #storage = openNodeSql().storage;
  readonly #shard: () => Shard;
  #memory: { readonly state: MemberState; readonly desk: MembershipDesk };

  constructor(id: string, world: { clock: FakeClock; shard: () => Shard }) {
    this.#id = id;
    this.#clock = world.clock;
    this.#shard = world.shard;
    this.#memory = this.#load();
  }

  /** Billing pushes a plan with these features, in a period that no test outlives. */
  join(features: Features): void {
    const nowMs = this.#clock.nowMs();
    this.#memory.desk.putEntitlements({
      memberId: this.#id,
      subscriptionId: 'sub_a',
      group: 'membership',
      planId: 'pln_a',
      planName: 'A',
      features: { 'access.members': true, ...features },
      currency: 'usd',
      periodStartMs: 0,
      periodEndMs: nowMs + 365 * DAY_MS,
      validUntilMs: nowMs + 365 * DAY_MS,
      version: nowMs,
    });
  }

  /** The process died: memory is gone, storage stays. */
  crash(): void {
    this.#memory = this.#load();
  }

  async putEntitlements(entitlements: Entitlements): Promise<void> {
    this.#reach().desk.putEntitlements(entitlements);
  }

  async admit(command: AdmitCommand): Promise<AdmitReply> {
    return this.#reach().desk.admit(command);
  }

  async standing(): Promise<AccessVerdict> {
    return this.#reach().desk.standing();
  }

  async settle(outcomes: readonly GrantOutcome[]): Promise<void> {
    this.#reach().desk.settle(outcomes);
    this.settled.push(...outcomes);
  }

  async usage(): Promise<MembershipUsage> {
    return this.#reach().desk.usage();
  }

  /** The object's alarm: asks the shard what became of grants that are past their time. */
  async wake(): Promise<void> {
    await this.#memory.desk.look();
  }

  /** What is counted now, and against which features. */
  used(): QuotaUses {
    const { state } = this.#memory;
    const plan = state.entitlementsOf('membership');
    return plan === null ? NO_USES : state.standingOf(plan, this.#clock.nowMs()).used;
  }

  features(): Features {
    return this.#memory.state.entitlementsOf('membership')?.features ?? {};
  }

  /** Every reservation that is known, oldest first. */
  reservations(): Reservation[] {
    return createMembershipStore(this.#storage).reservations();
  }

  #load() {
    const state = new MemberState(createMembershipStore(this.#storage), () => undefined);
    const ports = { clock: this.#clock, log: SILENT, state, shard: () => this.#shard() };
    const asker = new OutcomeAsker(ports);
    return { state, desk: new MembershipDesk({ ...ports, asker, budget: new HoldBudget() }) };
  }

  #reach() {
    if (!this.isReachable) throw new Error('the member cannot be reached');
    return this.#memory;
  }
}

/** Everybody, and every coupon, that was ever named. */
export class NodeMembers implements Pick<ObjectDirectory, 'member' | 'promotion'> {
  /** Whom members ask about their grants. */
  shard: Shard;
  readonly #clock: FakeClock;
  readonly #members = new Map<string, NodeMember>();
  readonly #promotions = new Map<string, NodePromotion>();

  constructor(clock: FakeClock, shard: Shard) {
    this.#clock = clock;
    this.shard = shard;
  }

  member(id: string): NodeMember {
    const world = { clock: this.#clock, shard: () => this.shard };
    const known = this.#members.get(id) ?? new NodeMember(id, world);
    this.#members.set(id, known);
    return known;
  }

  promotion(name: string): NodePromotion {
    const known = this.#promotions.get(name) ?? new NodePromotion(this.#clock, () => this.shard);
    this.#promotions.set(name, known);
    return known;
  }

  all(): ReadonlyMap<string, NodeMember> {
    return this.#members;
  }
}
