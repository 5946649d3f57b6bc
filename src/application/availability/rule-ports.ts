/** What availability rules need of D1, one store per data region. The database counts the versions of a service's rules. */
import type { AvailabilityRule, RuleTerms } from '../../domain/availability/rule.ts';
import type { LocalDate } from '../../domain/local-date.ts';
import type { EpochMs, Interval } from '../../domain/time.ts';

/** What a provider says of a rule, with what follows from it. */
export interface KeptTerms extends RuleTerms {
  readonly pattern: string;
  readonly lastDate: LocalDate | null;
}

/** A rule as D1 keeps it. */
export interface RuleRecord extends KeptTerms, AvailabilityRule {
  /** False for one that was deleted: its slots remember it. */
  readonly active: boolean;
  readonly version: number;
  readonly createdAtMs: EpochMs;
}

/** The rules of a service at one moment, oldest first, and how far slots were made by them. */
export interface ServiceRules {
  /** Counts the changes of the service's rules; 0 where it never had one. */
  readonly version: number;
  readonly rules: readonly RuleRecord[];
  /** All that slots were ever asked for; null for nothing. */
  readonly generated: Interval | null;
}

/** How far a service's booking window was filled. */
export interface FilledWindow {
  readonly serviceId: string;
  readonly filledBasis: string | null;
  readonly filledUntilMs: EpochMs | null;
}

/** Rules and schedules. */
export interface RuleStore {
  /** A repeat changes nothing. Answers what stands. */
  insert(rule: RuleRecord): Promise<RuleRecord>;
  byId(id: string): Promise<RuleRecord | null>;
  /** Writes the rule if it still has the version before the given one's; false when somebody was faster. */
  replace(rule: RuleRecord): Promise<boolean>;
  /** Rules that were not deleted, with their version, as of one moment. */
  ofService(serviceId: string): Promise<ServiceRules>;
  /** Slots are about to be asked for over an interval. */
  widenGenerated(serviceId: string, over: Interval): Promise<void>;
  /** Windows whose time to be filled has come, longest waiting first. */
  dueWindows(nowMs: EpochMs, limit: number): Promise<FilledWindow[]>;
  /** All windows after a service, in order of id. */
  windows(afterServiceId: string, limit: number): Promise<FilledWindow[]>;
  /** Records a filled window; nothing where the rules have changed since `version`, so that it stays due. */
  saveFilled(filled: {
    readonly serviceId: string;
    readonly version: number;
    readonly basis: string;
    readonly untilMs: EpochMs;
    readonly nextFillAtMs: EpochMs;
  }): Promise<void>;
  /** Looks at a window later, whatever became of it now. */
  postpone(serviceId: string, nextFillAtMs: EpochMs): Promise<void>;
}
