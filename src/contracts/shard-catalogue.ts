/** How a shard is given what it sells: provider, cards and slots. */
import type { Fare, ProviderCard, ResourceCard, ServiceCard } from '../domain/inventory/cards.ts';
import type { EpochMs } from '../domain/time.ts';
import type { CallKey, Caller } from './calls.ts';
import type { SlotView } from './http/catalogue.ts';

export interface ProvisionCommand {
  readonly shardKey: string;
  readonly provider: ProviderCard;
  /** Who changes its people. */
  readonly caller?: Caller;
}

export interface PutResourceCommand {
  readonly caller: Caller;
  readonly card: Omit<ResourceCard, 'version' | 'active'>;
}

export interface PatchResourceCommand {
  readonly caller: Caller;
  readonly id: string;
  readonly patch: Partial<Pick<ResourceCard, 'name' | 'kind' | 'active'>>;
}

export interface PutServiceCommand {
  readonly caller: Caller;
  readonly card: Omit<ServiceCard, 'version'>;
}

export interface PatchServiceCommand {
  readonly caller: Caller;
  readonly id: string;
  readonly patch: Partial<
    Omit<
      ServiceCard,
      | 'id'
      | 'providerId'
      | 'venueId'
      | 'resourceIds'
      | 'allocation'
      | 'durationMinutes'
      | 'timeZone'
      | 'version'
    >
  >;
}

export interface EndSalesCommand {
  readonly caller: Caller;
  /** Counts, and changes nothing. */
  readonly isDryRun: boolean;
}

/** What was ended, all of the shard's cards as they are now; nothing where something is live. */
export interface SalesEnd {
  readonly liveBookings: number;
  /** Holds that no booking has taken. */
  readonly liveHolds: number;
  readonly services: readonly ServiceCard[];
  readonly resources: readonly ResourceCard[];
}

export interface NewSlot {
  readonly startAtMs: EpochMs;
  readonly endAtMs: EpochMs;
  readonly resourceId: string | null;
  readonly capacity: number | null;
  readonly priceMinor: number | null;
  readonly priceCurrency: string | null;
  /** In the service's currency, with quotas that add up to the slot's capacity at most; null for none. */
  readonly fares: readonly Fare[] | null;
}

export interface CreateSlotsCommand {
  readonly caller: Caller;
  readonly call: CallKey | null;
  readonly serviceId: string;
  readonly slots: readonly NewSlot[];
}

/** Asks for the next slot of each service that could be held, of so many units, starting within the time. */
export interface NextSlotsQuery {
  readonly serviceIds: readonly string[];
  readonly fromMs: EpochMs | null;
  readonly toMs: EpochMs | null;
  readonly quantity: number;
}

export interface ListSlotsQuery {
  readonly serviceId: string;
  readonly fromMs: EpochMs | null;
  readonly toMs: EpochMs | null;
  readonly timeZone: string | null;
  readonly status: SlotView['status'] | null;
  /** Position after which to go on: the start and id of the last slot seen. */
  readonly after: { readonly startAtMs: EpochMs; readonly id: string } | null;
  readonly limit: number;
}
