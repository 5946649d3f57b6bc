/** What provisioning needs: its own record, and what every step of it needs. */
import type { DataRegion } from '../../domain/ids.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { AvailabilityDeps } from '../availability/availability-deps.ts';
import type { StaffDeps } from '../manage-staff.ts';
import type { PayoutDeps } from '../payouts/payout-ports.ts';

/** Ids by the names of the steps that made them. */
export type Made = Readonly<Record<string, string>>;

/** making: steps are left, or their record. undoing: it goes off sale. */
export type ProvisioningState = 'making' | 'done' | 'undoing' | 'undone';

/** How far the setting up of one provider has come. */
export interface Provisioning {
  readonly id: string;
  readonly callerId: string;
  /** Of what was asked under the key. */
  readonly fingerprint: string;
  /** Known before there is such a provider. */
  readonly providerId: string;
  readonly state: ProvisioningState;
  readonly made: Made;
  /** The last sign of life of whoever makes it. */
  readonly touchedAtMs: EpochMs;
  readonly createdAtMs: EpochMs;
}

/** Provisionings of one data region. */
export interface ProvisioningStore {
  /** A repeat changes nothing. Answers what stands. */
  begin(record: Provisioning): Promise<Provisioning>;
  byId(id: string): Promise<Provisioning | null>;
  /** False where it is not being made any more. */
  saveMade(
    id: string,
    done: { readonly made: Made; readonly isAll: boolean; readonly nowMs: EpochMs },
  ): Promise<boolean>;
  /** False where it is in another state. */
  move(
    id: string,
    step: { readonly from: readonly ProvisioningState[]; readonly to: ProvisioningState },
  ): Promise<boolean>;
}

export interface ProvisioningDeps extends StaffDeps {
  readonly availability: AvailabilityDeps;
  readonly payouts: PayoutDeps;
  provisionings(region: DataRegion): ProvisioningStore;
}
