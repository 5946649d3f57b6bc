/**
 * Maps what the catalogue keeps to what goes on the wire, and instants back. Owners and shards stay inside.
 */
import type { ResourceCard, ServiceCard } from '../../domain/inventory/cards.ts';
import type { DataRegion } from '../../domain/ids.ts';
import type { EpochMs } from '../../domain/time.ts';
import type { NewSlot, PatchResourceCommand, PatchServiceCommand } from '../shard-catalogue.ts';
import {
  REGIONS,
  type CreateSlotsBody,
  type PatchResourceBody,
  type PatchServiceBody,
  type ProviderView,
  type ResourceView,
  type ServiceView,
  type ShardView,
  type VenueView,
} from './catalogue.ts';
import { formatInstant, parseInstant } from './views.ts';

/** The milliseconds of an instant that the schema has checked; null for an absent one. */
export function fromInstant(text: string | undefined): EpochMs | null {
  return text === undefined ? null : parseInstant(text);
}

/** A provider on the wire. */
export function toProviderView(record: {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly timeZone: string;
  readonly region: string | null;
  readonly dataRegion: DataRegion;
  readonly commissionBps: number | null;
  readonly active: boolean;
  readonly createdAtMs: EpochMs;
}): ProviderView {
  const { id, name, currency, timeZone, dataRegion, commissionBps, active } = record;
  const region = REGIONS.find((hint) => hint === record.region) ?? null;
  const createdAt = formatInstant(record.createdAtMs);
  return { id, name, currency, timeZone, region, dataRegion, commissionBps, active, createdAt };
}

/** A venue on the wire. */
export function toVenueView(
  record: Omit<VenueView, 'createdAt'> & { readonly createdAtMs: EpochMs },
): VenueView {
  const { createdAtMs, ...rest } = record;
  return { ...rest, createdAt: formatInstant(createdAtMs) };
}

/** A shard on the wire. */
export function toShardView(shard: {
  readonly id: string;
  readonly venueId: string | null;
  readonly name: string;
  readonly createdAtMs: EpochMs;
}): ShardView {
  const { id, venueId, name, createdAtMs } = shard;
  return { id, venueId, name, createdAt: formatInstant(createdAtMs) };
}

/** A resource on the wire. */
export function toResourceView(card: ResourceCard): ResourceView {
  return { ...card, units: card.units === null ? null : [...card.units] };
}

/** A service on the wire; the platform's shares are no business of its customers. */
export function toServiceView(card: ServiceCard): ServiceView {
  const {
    commissionBps: _share,
    guestCommissionBps: _guestShare,
    memberCommissionBps: _memberShare,
    saleStartsAtMs,
    ...rest
  } = card;
  return {
    ...rest,
    tags: [...card.tags],
    resourceIds: [...card.resourceIds],
    planIds: [...card.planIds],
    price: { ...card.price },
    pledge: card.pledge === null ? null : { ...card.pledge },
    noShowFee: card.noShowFee === null ? null : { ...card.noShowFee },
    tax: card.tax === null ? null : { ...card.tax },
    cancellationPolicy: card.cancellationPolicy.map((rung) => ({ ...rung })),
    saleStartsAt: saleStartsAtMs === null ? null : formatInstant(saleStartsAtMs),
  };
}

/** What a body changes of a resource; absent members stay as they are. */
export function resourcePatch(body: PatchResourceBody): PatchResourceCommand['patch'] {
  return withoutAbsent(body);
}

/** What a body changes of a service; absent members stay as they are. */
export function servicePatch(body: PatchServiceBody): PatchServiceCommand['patch'] {
  const { saleStartsAt, ...rest } = body;
  const patch = withoutAbsent(rest) as PatchServiceCommand['patch'];
  const saleStartsAtMs = fromInstant(saleStartsAt);
  return saleStartsAtMs === null ? patch : { ...patch, saleStartsAtMs };
}

function withoutAbsent(body: object): object {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

/** Slots as the shard takes them. */
export function toNewSlots(body: CreateSlotsBody): NewSlot[] {
  return body.slots.map((slot) => ({
    startAtMs: parseInstant(slot.startAt),
    endAtMs: parseInstant(slot.endAt),
    resourceId: slot.resourceId ?? null,
    capacity: slot.capacity ?? null,
    priceMinor: slot.price?.amount ?? null,
    priceCurrency: slot.price?.currency ?? null,
    fares: slot.fares ?? null,
  }));
}
