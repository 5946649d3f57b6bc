/**
 * The shard's copy of the catalogue: cards of resources and services, and slots. Synchronous, inside the shard's
 * transaction. Only the provider's owners and operators change it; for others the shard does not exist.
 */
import type { Caller, KeyedReply, Reply } from '../contracts/calls.ts';
import type {
  CreateSlotsCommand,
  ListSlotsQuery,
  NewSlot,
  PatchResourceCommand,
  PatchServiceCommand,
  PutResourceCommand,
  PutServiceCommand,
} from '../contracts/shard-catalogue.ts';
import type { SlotView } from '../contracts/http/catalogue.ts';
import type { ResourceCard, ServiceCard, Slot } from '../domain/inventory/cards.ts';
import { firstAtOrAfter } from '../domain/inventory/slot-book.ts';
import { ok, refuse, type Refusal } from '../domain/result.ts';
import { viewSlot } from './hold-lines.ts';
import { answerKeyed, type Decision } from './keyed-calls.ts';
import type { ShardState } from './shard-state.ts';

/** Creates a resource; a repeat with the same id gives the card that is there. */
export function putResource(shard: ShardState, command: PutResourceCommand): Reply<ResourceCard> {
  if (!shard.isManagedBy(command.caller)) return refuse('not_found', 'There is no such provider.');
  const known = shard.inventory.resource(command.card.id);
  if (known !== null) return ok(known);
  return ok(
    saveResource(
      shard,
      { ...command.card, active: true, version: 1 },
      { from: null, caller: command.caller },
    ),
  );
}

/** `GET /v1/resources/{id}`. */
export function readResource(shard: ShardState, id: string): Reply<ResourceCard> {
  const card = shard.inventory.resource(id);
  return card === null ? refuse('not_found', 'There is no such resource.') : ok(card);
}

export function patchResource(
  shard: ShardState,
  command: PatchResourceCommand,
): Reply<ResourceCard> {
  const known = shard.inventory.resource(command.id);
  if (known === null || !shard.isManagedBy(command.caller))
    return refuse('not_found', 'There is no such resource.');
  const card = { ...known, ...command.patch, version: known.version + 1 };
  return ok(saveResource(shard, card, { from: known, caller: command.caller }));
}

/** Creates a service over resources of this shard; a repeat with the same id gives the card that is there. */
export function putService(shard: ShardState, command: PutServiceCommand): Reply<ServiceCard> {
  if (!shard.isManagedBy(command.caller)) return refuse('not_found', 'There is no such provider.');
  const known = shard.inventory.service(command.card.id);
  if (known !== null) return ok(known);
  const missing = command.card.resourceIds.filter((id) => shard.inventory.resource(id) === null);
  if (missing.length > 0) {
    return refuse('validation_failed', 'A service needs resources that exist.', {
      errors: missing.map((id) => ({
        pointer: '/resourceIds',
        detail: `there is no resource ${id}`,
      })),
    });
  }
  return ok(
    saveService(shard, { ...command.card, version: 1 }, { from: null, caller: command.caller }),
  );
}

/** `GET /v1/services/{id}`. */
export function readService(shard: ShardState, id: string): Reply<ServiceCard> {
  const card = shard.inventory.service(id);
  return card === null ? refuse('not_found', 'There is no such service.') : ok(card);
}

export function patchService(shard: ShardState, command: PatchServiceCommand): Reply<ServiceCard> {
  const known = shard.inventory.service(command.id);
  if (known === null || !shard.isManagedBy(command.caller))
    return refuse('not_found', 'There is no such service.');
  const { currency } = known.price;
  for (const field of ['price', 'noShowFee'] as const) {
    if ((command.patch[field]?.currency ?? currency) === currency) continue;
    return refuse('validation_failed', 'A service keeps its currency.', {
      errors: [{ pointer: `/${field}/currency`, detail: `must stay ${currency}` }],
    });
  }
  const card = { ...known, ...command.patch, version: known.version + 1 };
  return ok(saveService(shard, card, { from: known, caller: command.caller }));
}

/** Creates slots, all or none. The same interval of the same service and resource is the same slot. */
export function createSlots(
  shard: ShardState,
  command: CreateSlotsCommand,
): KeyedReply<{ data: SlotView[] }> {
  const decide = () => decideSlots(shard, command);
  if (command.call === null) return { ...decide(), replayed: false };
  return answerKeyed(shard, { callerId: command.caller.id, call: command.call }, decide);
}

/** A service's slots in order of start, one page. */
export function listSlots(
  shard: ShardState,
  query: ListSlotsQuery,
): Reply<{ data: SlotView[]; next: { startAtMs: number; id: string } | null }> {
  const service = shard.inventory.service(query.serviceId);
  if (service === null) return refuse('not_found', 'There is no such service.');
  const schedule = shard.inventory.schedule(service.id);
  const fromMs = query.after?.startAtMs ?? query.fromMs ?? shard.nowMs;
  const found: { slot: Slot; view: SlotView }[] = [];
  for (let i = firstAtOrAfter(schedule, fromMs); i < schedule.length; i++) {
    const slot = schedule[i] as Slot;
    if (query.toMs !== null && slot.startAtMs >= query.toMs) break;
    if (isSeen(slot, query.after)) continue;
    const view = viewSlot(shard, slot, query.timeZone);
    if (query.status !== null && view.status !== query.status) continue;
    found.push({ slot, view });
    if (found.length > query.limit) break;
  }
  const page = found.slice(0, query.limit);
  const last = found.length > query.limit ? page.at(-1)?.slot : undefined;
  return ok({
    data: page.map(({ view }) => view),
    next: last === undefined ? null : { startAtMs: last.startAtMs, id: last.id },
  });
}

/** `GET /v1/slots/{id}`. */
export function readSlot(shard: ShardState, id: string): Reply<SlotView> {
  const slot = shard.inventory.slot(id);
  if (slot === null || shard.inventory.isWithdrawn(slot))
    return refuse('not_found', 'There is no such slot.');
  return ok(viewSlot(shard, slot));
}

function decideSlots(
  shard: ShardState,
  command: CreateSlotsCommand,
): Decision<{ data: SlotView[] }> {
  const service = shard.inventory.service(command.serviceId);
  if (service === null || !shard.isManagedBy(command.caller))
    return refuse('not_found', 'There is no such service.');
  const refusal = slotsRefusal(shard, service, command.slots);
  if (refusal !== null) return { ok: false, refusal };
  const slots = command.slots.map((wanted) => findOrCreateSlot(shard, service, wanted));
  const created = slots.filter(({ isNew }) => isNew).length;
  if (created > 0) {
    shard.record({
      entityId: service.id,
      parentId: null,
      type: 'service.slots_created',
      from: null,
      to: 'created',
      actor: `provider:${command.caller.id}`,
      metadata: { count: created },
    });
  }
  return { ok: true, status: 201, value: { data: slots.map(({ slot }) => viewSlot(shard, slot)) } };
}

function slotsRefusal(
  shard: ShardState,
  service: ServiceCard,
  slots: readonly NewSlot[],
): Refusal | null {
  const errors = slots.flatMap((slot, index) => {
    const at = `/slots/${index}`;
    const foreign = slot.resourceId !== null && !service.resourceIds.includes(slot.resourceId);
    const otherCurrency =
      slot.priceCurrency !== null && slot.priceCurrency !== service.price.currency;
    return [
      ...(foreign
        ? [{ pointer: `${at}/resourceId`, detail: 'is not a resource of the service' }]
        : []),
      ...(otherCurrency
        ? [{ pointer: `${at}/price/currency`, detail: `must be ${service.price.currency}` }]
        : []),
      ...(foreign ? [] : fareErrors(shard, service, { slot, at })),
    ];
  });
  if (errors.length === 0) return null;
  return refuse('validation_failed', 'Some slots cannot be created.', { errors }).refusal;
}

/** Fares are in the service's currency, and share out what the slot has. */
function fareErrors(
  shard: ShardState,
  service: ServiceCard,
  { slot, at }: { slot: NewSlot; at: string },
): { pointer: string; detail: string }[] {
  const fares = slot.fares ?? [];
  const { currency } = service.price;
  const errors = fares.flatMap(({ price }, index) =>
    price.currency === currency
      ? []
      : [{ pointer: `${at}/fares/${index}/price/currency`, detail: `must be ${currency}` }],
  );
  const quotas = fares.reduce((total, { quota }) => total + quota, 0);
  const capacity = shard.inventory.capacityOf({ ...slot, serviceId: service.id, fares: null });
  if (quotas <= capacity) return errors;
  return [
    ...errors,
    { pointer: `${at}/fares`, detail: `sell ${quotas} of a capacity of ${capacity}` },
  ];
}

function findOrCreateSlot(
  shard: ShardState,
  service: ServiceCard,
  wanted: NewSlot,
): { slot: Slot; isNew: boolean } {
  const known = shard.inventory.findSlot(service.id, wanted);
  if (known !== null) return { slot: known, isNew: false };
  const slot: Slot = {
    id: shard.ports.ids.mintInShard('slt', shard.shardKey),
    serviceId: service.id,
    startAtMs: wanted.startAtMs,
    endAtMs: wanted.endAtMs,
    resourceId: wanted.resourceId,
    capacity: wanted.capacity,
    price:
      wanted.priceMinor === null
        ? null
        : { amount: wanted.priceMinor, currency: service.price.currency },
    fares: wanted.fares,
    ruleId: null,
    blockedReason: null,
    version: 1,
  };
  shard.store.insertSlot(slot);
  shard.inventory.putSlot(slot);
  return { slot, isNew: true };
}

function isSeen(slot: Slot, after: ListSlotsQuery['after']): boolean {
  if (after === null) return false;
  return (
    slot.startAtMs < after.startAtMs || (slot.startAtMs === after.startAtMs && slot.id <= after.id)
  );
}

function saveResource(
  shard: ShardState,
  card: ResourceCard,
  change: { from: ResourceCard | null; caller: Caller },
): ResourceCard {
  shard.store.saveResource(card);
  shard.inventory.putResource(card);
  recordCard(shard, card, { ...change, noun: 'resource' });
  return card;
}

function saveService(
  shard: ShardState,
  card: ServiceCard,
  change: { from: ServiceCard | null; caller: Caller },
): ServiceCard {
  shard.store.saveService(card);
  shard.inventory.putService(card);
  recordCard(shard, card, { ...change, noun: 'service' });
  return card;
}

function recordCard(
  shard: ShardState,
  card: ResourceCard | ServiceCard,
  change: { from: ResourceCard | ServiceCard | null; caller: Caller; noun: 'resource' | 'service' },
): void {
  shard.record({
    entityId: card.id,
    parentId: null,
    type: `${change.noun}.${change.from === null ? 'created' : 'changed'}`,
    from: change.from === null ? null : saleWord(change.from),
    to: saleWord(card),
    actor: `provider:${change.caller.id}`,
    metadata: { version: card.version },
  });
}

function saleWord({ active }: ResourceCard | ServiceCard): string {
  return active ? 'active' : 'inactive';
}
