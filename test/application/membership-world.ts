/**
 * One member's desk over the shipping storage, with a clock of the test and shards that behave as theirs do: a call is
 * decided once, a grant is taken once and never late, and what became of it is known by heart.
 */
import { HoldBudget } from '../../src/application/membership/hold-budget.ts';
import { MemberState } from '../../src/application/membership/member-state.ts';
import { MembershipDesk } from '../../src/application/membership/membership-desk.ts';
import { OutcomeAsker } from '../../src/application/grant/outcome-asker.ts';
import type {
  AccessVerdict,
  AdmitCommand,
  Entitlements,
  GrantOutcome,
  QuotaGrant,
  QuotaUses,
} from '../../src/contracts/membership-rpc.ts';
import { CALL_RETENTION_MS } from '../../src/domain/idempotency.ts';
import { createMembershipStore } from '../../src/storage/durable/membership-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openNodeSql } from '../support/node-sql.ts';

export const MEMBER_ID = 'usr_member';
export const DAY_MS = 86_400_000;
export const PERIOD_MS = 30 * DAY_MS;

type Ask = Pick<AdmitCommand, 'grantId' | 'shardKey'> & Partial<AdmitCommand>;

/** What a shard knows of a grant that a hold of its took. */
interface TakenGrant {
  readonly id: string;
  readonly shardKey: string;
  readonly uses: QuotaUses;
  readonly periodStartMs: number;
  state: 'held' | 'kept' | 'returned';
}

export class MembershipWorld {
  readonly clock = new FakeClock();
  readonly sql = openNodeSql();
  readonly taken = new Map<string, TakenGrant>();
  readonly isDown = new Set<string>();
  /** Questions that shards were asked. */
  readonly asked: string[] = [];
  readonly periodStartMs = this.clock.nowMs();
  /** The calls that shards have decided, and when. */
  readonly #calls = new Map<string, number>();
  state = this.#load();
  desk = this.#open();

  /** Memory is gone, storage stays. */
  crash(): void {
    this.state = this.#load();
    this.desk = this.#open();
  }

  subscribe(features: Entitlements['features'], own: Partial<Entitlements> = {}): void {
    this.desk.putEntitlements(this.entitlements(features, own));
  }

  entitlements(features: Entitlements['features'], own: Partial<Entitlements> = {}): Entitlements {
    return {
      memberId: MEMBER_ID,
      subscriptionId: 'sub_1',
      group: 'membership',
      planId: 'pln_1',
      planName: 'Gold',
      features: { 'access.members': true, ...features },
      currency: 'usd',
      periodStartMs: this.periodStartMs,
      periodEndMs: this.periodStartMs + PERIOD_MS,
      validUntilMs: this.periodStartMs + 2 * PERIOD_MS,
      version: 1,
      ...own,
    };
  }

  /** Membership's verdict; slots are measured when that is asked for. */
  async admit(ask: Ask): Promise<AccessVerdict> {
    const command = {
      memberId: MEMBER_ID,
      slots: 1,
      guests: 0,
      minutes: null,
      holdBudget: 999_999,
      ...ask,
    };
    const first = await this.desk.admit(command);
    if (first.kind === 'verdict') return first.verdict;
    const second = await this.desk.admit({ ...command, minutes: 60 * command.slots });
    if (second.kind === 'measure') throw new Error('slots are measured once');
    return second.verdict;
  }

  /** The shard decides the call: true when a hold of it took the grant now. */
  place(ask: Ask, grant: QuotaGrant): boolean {
    const nowMs = this.clock.nowMs();
    const call = `${ask.shardKey} ${ask.grantId}`;
    const decidedAtMs = this.#calls.get(call);
    if (decidedAtMs !== undefined && nowMs - decidedAtMs <= CALL_RETENTION_MS) return false;
    if (nowMs >= grant.validUntilMs) return false;
    const before = this.taken.get(grant.id);
    if (before !== undefined && before.state !== 'returned') return false;
    const row = this.state.reservation(grant.id);
    if (row === null) throw new Error('a grant has its reservation');
    this.#calls.set(call, nowMs);
    this.taken.set(grant.id, {
      id: grant.id,
      shardKey: ask.shardKey,
      // What is held is what the call asked for, whatever was granted for it.
      uses: {
        ...grant.uses,
        bookings: (ask.slots ?? 1) - grant.uses.overage,
        minutes: 60 * (ask.slots ?? 1),
      },
      periodStartMs: row.periodStartMs,
      state: 'held',
    });
    return true;
  }

  /** The shard refuses the call for good. */
  turnDown(ask: Ask): boolean {
    const call = `${ask.shardKey} ${ask.grantId}`;
    if (this.#calls.has(call)) return false;
    this.#calls.set(call, this.clock.nowMs());
    return true;
  }

  outcome(grantId: string): GrantOutcome {
    const taken = this.taken.get(grantId);
    return taken === undefined
      ? { grantId, state: 'unknown', uses: null }
      : { grantId, state: taken.state, uses: taken.uses };
  }

  /** What holds and bookings of a period really take, and how many holds are live. */
  truth(periodStartMs: number): QuotaUses & { readonly live: number } {
    const all = [...this.taken.values()];
    const counting = all.filter(
      (grant) => grant.state !== 'returned' && grant.periodStartMs === periodStartMs,
    );
    const sum = (count: (uses: QuotaUses) => number): number =>
      counting.reduce((total, { uses }) => total + count(uses), 0);
    return {
      bookings: sum((uses) => uses.bookings),
      minutes: sum((uses) => uses.minutes),
      included: sum((uses) => uses.included),
      overage: sum((uses) => uses.overage),
      guestPasses: sum((uses) => uses.guestPasses),
      live: all.filter(({ state }) => state === 'held').length,
    };
  }

  #load(): MemberState {
    return new MemberState(createMembershipStore(this.sql.storage), () => undefined);
  }

  #open(): MembershipDesk {
    const ports = {
      clock: this.clock,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      state: this.state,
      shard: (shardKey: string) => ({
        grantOutcomes: async (grantIds: readonly string[]) => {
          this.asked.push(...grantIds);
          if (this.isDown.has(shardKey)) throw new Error('the shard is down');
          return grantIds.map((id) => this.outcome(id));
        },
        liveHoldsOf: async () => {
          this.asked.push(shardKey);
          if (this.isDown.has(shardKey)) throw new Error('the shard is down');
          return [...this.taken.values()].filter(
            (grant) => grant.shardKey === shardKey && grant.state === 'held',
          ).length;
        },
      }),
    };
    return new MembershipDesk({
      ...ports,
      asker: new OutcomeAsker(ports),
      budget: new HoldBudget(),
    });
  }
}
