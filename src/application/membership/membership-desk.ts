/**
 * The desk of one member: takes rights from billing, says whether a hold is allowed and reserves what it takes, learns
 * what became of it, and tells what is used. Between deciding and writing nobody comes in; what has to be asked of shards is
 * asked before, and then decided anew. Called by the member's object.
 */
import type { InventoryShardRpc } from '../../contracts/durable-rpc.ts';
import type {
  AccessVerdict,
  AdmitCommand,
  AdmitReply,
  Entitlements,
  GrantOutcome,
  MembershipUsage,
  QuotaGrant,
} from '../../contracts/membership-rpc.ts';
import { formatInstant } from '../../contracts/http/views.ts';
import {
  admission,
  benefitsOf,
  countedPeriodStartMs,
  firstRunning,
  isRunning,
  opensMembersServices,
  type Admission,
  type Allowed,
  type Shortage,
} from '../../domain/membership/admission.ts';
import { COUNTED_FEATURES, integerOf, type Feature } from '../../domain/membership/features.ts';
import { GRANT_VALID_MS, renew } from '../../domain/grant/grant-life.ts';
import {
  covers,
  newReservation,
  reserveAgain,
  type Granted,
  type Reservation,
} from '../../domain/membership/reservation.ts';
import { refuse, type Refusal } from '../../domain/result.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { HoldBudget } from './hold-budget.ts';
import type { MemberState } from './member-state.ts';
import type { AskerPorts, OutcomeAsker } from '../grant/outcome-asker.ts';

export interface DeskPorts extends AskerPorts {
  readonly state: MemberState;
  readonly shard: (shardKey: string) => Pick<InventoryShardRpc, 'grantOutcomes' | 'liveHoldsOf'>;
  readonly asker: OutcomeAsker;
  readonly budget: HoldBudget;
}

/** Seconds until a hold that was given up or ran out may have made room. */
const RETRY_AFTER_SECONDS = 10;

const WITHOUT_PLAN: AccessVerdict = {
  isMember: false,
  planId: null,
  benefits: null,
  grant: null,
  refusal: null,
};

/** What a decision is made for, at one instant. */
interface Asked {
  readonly command: AdmitCommand;
  readonly nowMs: EpochMs;
}

export class MembershipDesk {
  readonly #ports: DeskPorts;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
  }

  putEntitlements(entitlements: Entitlements): void {
    this.#ports.state.putEntitlements(entitlements, this.#ports.clock.nowMs());
  }

  settle(outcomes: readonly GrantOutcome[]): void {
    const nowMs = this.#ports.clock.nowMs();
    this.#ports.state.settle(outcomes, { askedAtMs: nowMs, nowMs });
  }

  /** Decides at this moment. Before a limit refuses, or gives less than was wanted, the shards are asked once. */
  async admit(command: AdmitCommand): Promise<AdmitReply> {
    const { asker, budget, shard } = this.#ports;
    let isQuotaAsked = false;
    let isBudgetAsked = false;
    for (;;) {
      const asked = { command, nowMs: this.#ports.clock.nowMs() };
      const known = this.#meetAgain(asked);
      if (known !== null) return verdictOf(known);
      const decided = this.#decide(asked);
      if (decided.kind === 'measure') return decided;
      if (!isQuotaAsked && isTight(decided)) {
        isQuotaAsked = true;
        await asker.askAll();
        // Others were decided while this one waited, even if no shard had to be asked.
        continue;
      }
      if (decided.kind === 'refused') return verdictOf(refusedBy(decided, asked.nowMs));
      if (!budget.isReached(command)) return verdictOf(this.#commit(decided, asked));
      if (isBudgetAsked) return verdictOf(overBudget(decided, command));
      isBudgetAsked = true;
      await budget.correct((key) => shard(key).liveHoldsOf(command.memberId));
    }
  }

  /** What the plan that comes first changes, where nothing is counted. */
  standing(): AccessVerdict {
    const { state, clock } = this.#ports;
    const plan = firstRunning(state.entitlements(), clock.nowMs());
    return plan === null ? WITHOUT_PLAN : allowedBy(plan, null);
  }

  usage(): MembershipUsage {
    const { state, clock } = this.#ports;
    const nowMs = clock.nowMs();
    const memberships = [...state.entitlements()].map((entitlements) => {
      const { used, live } = state.standingOf(entitlements, nowMs);
      const counted: Readonly<Record<CountedFeature, number>> = {
        'bookings.perPeriod': used.bookings,
        'minutes.perPeriod': used.minutes,
        'bookings.included': used.included,
        'guestPasses.perPeriod': used.guestPasses,
        'holds.concurrent': live,
      };
      const limited = SHOWN_FEATURES.filter(
        (feature) => typeof integerOf(entitlements.features, feature) === 'number',
      );
      return {
        entitlements,
        used: Object.fromEntries(limited.map((feature) => [feature, counted[feature]])),
      };
    });
    return { memberships };
  }

  /** Asks about what nobody reported, and forgets what is over. */
  async look(): Promise<void> {
    await this.#ports.asker.askDue();
    this.#ports.state.tidy(this.#ports.clock.nowMs());
  }

  /** A repeat of a call that has its reservation gets the same grant, as long as its plan still runs. */
  #meetAgain(asked: Asked): AccessVerdict | null {
    const { command, nowMs } = asked;
    const { state } = this.#ports;
    const known = state.latestOf(command.grantId);
    if (known === null || known.state === 'returned') return null;
    const plan = state.entitlementsOf(known.group);
    if (plan === null || !isRunning(plan, nowMs) || !covers(known, command, nowMs)) return null;
    const renewed = renew(known, nowMs);
    if (renewed !== known) state.save([renewed]);
    return allowedBy(plan, grantOf(renewed, command.memberId));
  }

  #decide({ command, nowMs }: Asked): Admission<Entitlements> {
    const { state } = this.#ports;
    return admission(state.entitlements(), { ask: command, nowMs }, (plan) =>
      state.standingOf(plan, nowMs),
    );
  }

  /** Reserves what was decided. Synchronous: the decision it follows was made in this turn. */
  #commit(decided: Committable, asked: Asked): AccessVerdict {
    const { command } = asked;
    this.#ports.budget.remember(command);
    if (decided.kind === 'none') return WITHOUT_PLAN;
    const { plan, isCounted, isGranted } = decided;
    if (isCounted) {
      return allowedBy(plan, grantOf(this.#reserve(decided, asked), command.memberId));
    }
    // Nothing of it is counted, so nothing is written, and nobody need tell what came of it.
    return allowedBy(plan, isGranted ? looseGrant(decided, asked) : null);
  }

  #reserve(decided: Allowed<Entitlements>, { command, nowMs }: Asked): Reservation {
    const { state } = this.#ports;
    const { plan, uses, countsGuests, overagePrice } = decided;
    const { shardKey, slots, guests, minutes } = command;
    const made = {
      group: plan.group,
      periodStartMs: countedPeriodStartMs(plan, nowMs),
      ask: { shardKey, slots, guests, minutes },
      uses,
      countsGuests,
      overagePrice,
    };
    const known = state.latestOf(command.grantId);
    const isBack = known !== null && known.state === 'returned' && covers(known, command, nowMs);
    const reservation = isBack
      ? reserveAgain(known, made, nowMs)
      : newReservation(
          { ...made, callId: command.grantId, id: this.#nameGrant(command, nowMs) },
          nowMs,
        );
    state.save([reservation]);
    return reservation;
  }

  /** A name that no grant had before, even one that was forgotten: shards remember grants for longer. */
  #nameGrant({ grantId }: AdmitCommand, nowMs: EpochMs): string {
    let id = grantName(grantId, nowMs);
    for (let next = 2; this.#ports.state.isGrant(id); next += 1) {
      id = `${grantName(grantId, nowMs)}.${next}`;
    }
    return id;
  }
}

type CountedFeature = (typeof COUNTED_FEATURES)[number] | 'holds.concurrent';
type Committable = Allowed<Entitlements> | { readonly kind: 'none' };

const SHOWN_FEATURES: readonly (CountedFeature & Feature)[] = [
  ...COUNTED_FEATURES,
  'holds.concurrent',
];

function verdictOf(verdict: AccessVerdict): AdmitReply {
  return { kind: 'verdict', verdict };
}

/** True where what was used up makes the answer worse, so that it is worth asking what is still used. */
function isTight(decided: Exclude<Admission<Entitlements>, { kind: 'measure' }>): boolean {
  return decided.kind === 'refused' || (decided.kind === 'allowed' && decided.isShort);
}

function allowedBy(plan: Entitlements, grant: QuotaGrant | null): AccessVerdict {
  return {
    isMember: opensMembersServices(plan),
    planId: plan.planId,
    benefits: benefitsOf(plan),
    grant,
    refusal: null,
  };
}

function refusedBy(
  { plan, shortage }: { readonly plan: Entitlements; readonly shortage: Shortage },
  nowMs: EpochMs,
): AccessVerdict {
  return { ...allowedBy(plan, null), refusal: shortageRefusal(plan, shortage, nowMs) };
}

function shortageRefusal(plan: Entitlements, shortage: Shortage, nowMs: EpochMs): Refusal {
  if (shortage.code === 'hold_limit_reached') return holdLimitRefusal(shortage.limit);
  const { feature, limit, used } = shortage;
  // Past the paid period nobody knows yet when the next one ends.
  const until = nowMs < plan.periodEndMs ? formatInstant(plan.periodEndMs) : null;
  const detail = 'The plan allows no more in this period.';
  return refuse('quota_exhausted', detail, { feature, limit, used, until }).refusal;
}

function overBudget(decided: Committable, { holdBudget }: AdmitCommand): AccessVerdict {
  const verdict = decided.kind === 'none' ? WITHOUT_PLAN : allowedBy(decided.plan, null);
  return { ...verdict, refusal: holdLimitRefusal(holdBudget) };
}

function holdLimitRefusal(limit: number): Refusal {
  return refuse('hold_limit_reached', `At most ${limit} holds at a time.`, {
    limit,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  }).refusal;
}

function grantOf(
  reservation: Granted & Pick<Reservation, 'id' | 'validUntilMs'>,
  memberId: string,
): QuotaGrant {
  const { id, validUntilMs, uses, countsGuests, overagePrice } = reservation;
  return { id, memberId, validUntilMs, uses, countsGuests, overagePrice };
}

function looseGrant(granted: Granted, { command, nowMs }: Asked): QuotaGrant {
  const id = grantName(command.grantId, nowMs);
  return grantOf({ ...granted, id, validUntilMs: nowMs + GRANT_VALID_MS }, command.memberId);
}

function grantName(callId: string, nowMs: EpochMs): string {
  return `${callId}.${nowMs.toString(36)}`;
}
