/** What the operators' side of plans needs of storage, beyond what billing reads. */
import type { EpochMs } from '../../domain/time.ts';
import type { PlanRecord, PlanStore } from '../billing-ports.ts';

/** The place of a version in the list of all versions. */
export interface PlanPlace {
  readonly createdAtMs: EpochMs;
  readonly id: string;
  readonly version: number;
}

/** Plans with everything about them; all in the global database. */
export interface PlanCatalogue extends PlanStore {
  /**
   * Writes a further version; `taken` when the number exists, or when the keyed call of this digest wrote one before.
   */
  insertVersion(plan: PlanRecord, callDigest?: string | null): Promise<'done' | 'taken'>;
  /** The version that a keyed call wrote. */
  versionOfCall(callDigest: string): Promise<PlanRecord | null>;
  /** Newest first. */
  versionsOf(planId: string): Promise<PlanRecord[]>;
  /** All versions of all plans, newest first. */
  list(query: { readonly after: PlanPlace | null; readonly limit: number }): Promise<PlanRecord[]>;
}
