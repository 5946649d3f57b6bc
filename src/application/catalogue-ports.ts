/**
 * What the catalogue's use cases need of D1, one store per data region. Writes of cards keep the newest version,
 * so that callers may repeat them and come in any order.
 */
import type { DataRegion } from '../domain/ids.ts';
import type { ResourceCard, ServiceCard, TaxRule } from '../domain/inventory/cards.ts';
import type { Place } from '../domain/search/distance.ts';
import type { EpochMs } from '../domain/time.ts';

/** A provider as D1 keeps it. */
export interface ProviderRecord {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly timeZone: string;
  readonly region: string | null;
  readonly dataRegion: DataRegion;
  readonly commissionBps: number | null;
  /** Where new resources go. */
  readonly shardKey: string;
  readonly active: boolean;
  readonly createdAtMs: EpochMs;
}

/** A venue as D1 keeps it. */
export interface VenueRecord {
  readonly id: string;
  readonly providerId: string;
  readonly name: string;
  readonly timeZone: string;
  readonly address: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly commissionBps: number | null;
  readonly tax: TaxRule | null;
  readonly active: boolean;
  readonly createdAtMs: EpochMs;
}

/** What of a provider may change. */
export type ProviderPatch = Partial<Pick<ProviderRecord, 'name' | 'timeZone' | 'active'>>;

/** What of a venue may change. */
export type VenuePatch = Partial<
  Pick<VenueRecord, 'name' | 'address' | 'latitude' | 'longitude' | 'tax' | 'active'>
>;

/** An inventory shard as D1 keeps it. */
export interface ShardRecord {
  readonly shardKey: string;
  readonly providerId: string;
  /** Null: the provider's first shard, for all its venues. */
  readonly venueId: string | null;
  readonly name: string;
  readonly regionHint: string | null;
  readonly createdAtMs: EpochMs;
}

/** Somebody who works for a provider. */
export interface StaffRecord {
  readonly userId: string;
  readonly createdAtMs: EpochMs;
}

/** Providers, their members and their shards. */
export interface ProviderStore {
  /** Writes the provider, its owner and its first shard together; a repeat changes nothing. Answers what stands. */
  insert(provider: ProviderRecord, ownerId: string): Promise<ProviderRecord>;
  byId(id: string): Promise<ProviderRecord | null>;
  /** Null when there is no such provider. */
  patch(id: string, patch: ProviderPatch): Promise<ProviderRecord | null>;
  isOwner(providerId: string, userId: string): Promise<boolean>;
  /** True for an owner and for staff. */
  isMember(providerId: string, userId: string): Promise<boolean>;
  /** Owners and staff, in order of id. */
  members(providerId: string): Promise<string[]>;
  /** Staff, those who came first in front. */
  staffOf(providerId: string): Promise<StaffRecord[]>;
  /** A repeat changes nothing. */
  addStaff(providerId: string, staff: StaffRecord): Promise<void>;
  /** A repeat changes nothing. */
  removeStaff(providerId: string, userId: string): Promise<void>;
  /** Writes a further shard; a repeat changes nothing. Answers what stands. */
  insertShard(shard: ShardRecord): Promise<ShardRecord>;
  /** All shards of a provider, oldest first. */
  shardsOf(providerId: string): Promise<ShardRecord[]>;
  /** The provider that a shard belongs to; null for an unknown key. */
  shardOwner(shardKey: string): Promise<string | null>;
  /** Keys of the provisioned shards after `afterKey`, in order. */
  shardKeys(afterKey: string, limit: number): Promise<string[]>;
}

/** Venues. */
export interface VenueStore {
  /** A repeat changes nothing. Answers what stands. */
  insert(venue: VenueRecord): Promise<VenueRecord>;
  byId(id: string): Promise<VenueRecord | null>;
  /** Null when there is no such venue. */
  patch(id: string, patch: VenuePatch): Promise<VenueRecord | null>;
  deactivateAllOf(providerId: string): Promise<void>;
}

/** The place of a service in the order of a search; a smaller rank comes first. */
export interface SearchPosition {
  readonly rank: number;
  readonly id: string;
}

/** What the services of a search have in common; a tag is compared exactly, in lower case. */
export interface SearchFilter {
  readonly category: string | null;
  readonly tag: string | null;
  readonly providerId: string | null;
  readonly priceMinorMax: number | null;
  readonly near: (Place & { readonly radiusMetres: number }) | null;
}

/** A service found, with where it is sold. */
export interface FoundService {
  readonly card: ServiceCard;
  readonly rank: number;
  readonly createdAtMs: EpochMs;
  readonly venueName: string;
  readonly latitude: number | null;
  readonly longitude: number | null;
}

interface SearchPage {
  readonly after: SearchPosition | null;
  readonly limit: number;
}

/** The search over active services of active venues and providers. */
export interface ServiceSearchStore {
  newest(filter: SearchFilter, page: SearchPage): Promise<FoundService[]>;
  /** By distance, within the radius. */
  nearest(
    filter: SearchFilter & { readonly near: NonNullable<SearchFilter['near']> },
    page: SearchPage,
  ): Promise<FoundService[]>;
  /**
   * Those that share pieces of text, the likeliest first; where there are no pieces, those with all of the folded text in
   * theirs. Near means no farther north or south than the radius.
   */
  byText(
    filter: SearchFilter,
    text: { readonly pieces: readonly string[]; readonly folded: string; readonly limit: number },
  ): Promise<FoundService[]>;
}

/** D1's copies of the shards' cards. */
export interface CardStore {
  putResources(cards: readonly ResourceCard[]): Promise<void>;
  putServices(cards: readonly ServiceCard[], nowMs: EpochMs): Promise<void>;
  /** Ids of services after `afterId`, in order, of a provider or of one of its venues; on sale alone, or all. */
  serviceIds(
    owner: { readonly providerId: string } | { readonly venueId: string },
    page: { readonly afterId: string; readonly limit: number; readonly isOnSale: boolean },
  ): Promise<string[]>;
}

/** The stores of one data region. */
export interface CatalogueStores {
  readonly providers: ProviderStore;
  readonly venues: VenueStore;
  readonly cards: CardStore;
  readonly search: ServiceSearchStore;
}
