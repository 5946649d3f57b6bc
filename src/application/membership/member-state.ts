/**
 * What a member's object has in memory: rights and reservations, each change written before it is remembered. A member
 * without a plan has nothing here, and nothing is written for one. Called by the use cases of this folder.
 */
import type { Entitlements, GrantOutcome } from '../../contracts/membership-rpc.ts';
import { countedPeriodStartMs, type Standing } from '../../domain/membership/admission.ts';
import { isUnsettled } from '../../domain/grant/grant-life.ts';
import {
  isForgettable,
  liveIn,
  settled,
  usesIn,
  type Reservation,
} from '../../domain/membership/reservation.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { MembershipStore } from './membership-store.ts';

export class MemberState {
  readonly #store: MembershipStore;
  readonly #saved: () => void;
  readonly #entitlements = new Map<string, Entitlements>();
  readonly #reservations = new Map<string, Reservation>();
  /** The newest reservation of each call. */
  readonly #latest = new Map<string, string>();
  readonly #unsettled = new Set<string>();

  /** `saved` runs in the same turn as every write of reservations, so that an alarm joins its commit. */
  constructor(store: MembershipStore, saved: () => void) {
    this.#store = store;
    this.#saved = saved;
    for (const entitlements of store.entitlements()) {
      this.#entitlements.set(entitlements.group, entitlements);
    }
    for (const reservation of store.reservations()) this.#remember(reservation);
  }

  /** Of all groups, those that have ended included. */
  entitlements(): Iterable<Entitlements> {
    return this.#entitlements.values();
  }

  entitlementsOf(group: string): Entitlements | null {
    return this.#entitlements.get(group) ?? null;
  }

  /** The newest version of a group stands, whichever of the member's subscriptions it is of. */
  putEntitlements(next: Entitlements, nowMs: EpochMs): void {
    const known = this.entitlementsOf(next.group);
    if (known !== null && known.version > next.version) return;
    this.#store.saveEntitlements(next);
    this.#entitlements.set(next.group, next);
    this.tidy(nowMs);
  }

  standingOf(plan: Entitlements, nowMs: EpochMs): Standing {
    const { group } = plan;
    const periodStartMs = countedPeriodStartMs(plan, nowMs);
    const all = this.#reservations.values();
    return {
      used: usesIn(all, { group, periodStartMs }),
      live: liveIn(this.unsettled(), group),
    };
  }

  /** A reservation by its grant, or the newest by its call. */
  reservation(id: string): Reservation | null {
    return this.#reservations.get(id) ?? this.latestOf(id);
  }

  /** True where a grant has this very name. */
  isGrant(id: string): boolean {
    return this.#reservations.has(id);
  }

  latestOf(callId: string): Reservation | null {
    return this.#reservations.get(this.#latest.get(callId) ?? '') ?? null;
  }

  /** Reservations of which only a shard knows what came. */
  *unsettled(): Iterable<Reservation> {
    for (const id of this.#unsettled) {
      const reservation = this.#reservations.get(id);
      if (reservation !== undefined) yield reservation;
    }
  }

  save(changed: readonly Reservation[]): void {
    if (changed.length === 0) return;
    this.#store.saveReservations(changed);
    for (const reservation of changed) this.#remember(reservation);
    this.#saved();
  }

  /** Applies what shards told; what changes nothing is not written. */
  settle(
    outcomes: readonly GrantOutcome[],
    times: { readonly askedAtMs: EpochMs; readonly nowMs: EpochMs },
  ): void {
    const changed = new Map<string, Reservation>();
    for (const outcome of outcomes) {
      const known = this.reservation(outcome.grantId);
      if (known === null) continue;
      const before = changed.get(known.id) ?? known;
      const after = settled(before, outcome, times);
      if (after !== before) changed.set(after.id, after);
    }
    this.save([...changed.values()]);
  }

  /** Forgets what nothing depends on any more. */
  tidy(nowMs: EpochMs): void {
    const forgettable = [...this.#reservations.values()].filter((reservation) => {
      const plan = this.entitlementsOf(reservation.group);
      const startMs = plan === null ? null : countedPeriodStartMs(plan, nowMs);
      return isForgettable(reservation, startMs, nowMs);
    });
    if (forgettable.length === 0) return;
    this.#store.forgetReservations(forgettable.map(({ id }) => id));
    for (const { id, callId } of forgettable) {
      this.#reservations.delete(id);
      if (this.#latest.get(callId) === id) this.#latest.delete(callId);
    }
  }

  #remember(reservation: Reservation): void {
    const { id, callId } = reservation;
    if (!this.#reservations.has(id)) this.#latest.set(callId, id);
    this.#reservations.set(id, reservation);
    if (isUnsettled(reservation)) this.#unsettled.add(id);
    else this.#unsettled.delete(id);
  }
}
