/**
 * Letting a stretch of a service's time hold the slots that its rules want. Synchronous, inside the shard's transaction, so
 * that nobody can hold a slot between its being found free and its being withdrawn. Repeating it changes nothing.
 */
import type { Reply } from '../contracts/calls.ts';
import type {
  ApplyScheduleCommand,
  ScheduleAnswer,
  ScheduleReport,
} from '../contracts/shard-schedule.ts';
import type { WantedSlot } from '../domain/availability/rule.ts';
import {
  planSchedule,
  type PresentSlot,
  type SchedulePlan,
} from '../domain/availability/schedule-plan.ts';
import type { ServiceCard, Slot } from '../domain/inventory/cards.ts';
import { firstAtOrAfter } from '../domain/inventory/slot-book.ts';
import { ok, refuse } from '../domain/result.ts';
import type { ShardState } from './shard-state.ts';

/** Applies what the rules of a service want, or says what that would change. Refusals: `not_found`. */
export function applySchedule(
  shard: ShardState,
  command: ApplyScheduleCommand,
): Reply<ScheduleAnswer> {
  const service = shard.inventory.service(command.serviceId);
  if (service === null || !shard.isManagedBy(command.caller))
    return refuse('not_found', 'There is no such service.');
  const version = shard.store.scheduleVersion(service.id);
  if (command.version < version) return ok({ kind: 'stale' });
  const wanted = command.wanted.filter(
    ({ startAtMs, resourceId }) =>
      startAtMs > shard.nowMs && (resourceId === null || service.resourceIds.includes(resourceId)),
  );
  const plan = planSchedule(presentSlots(shard, command), wanted);
  const report: ScheduleReport = {
    created: plan.create.length,
    skipped: plan.skippedCount,
    updated: plan.update.length,
    removed: plan.withdraw.length,
    kept: plan.kept,
  };
  if (command.isDryRun) return ok({ kind: 'applied', report });
  if (command.version > version) shard.store.saveScheduleVersion(service.id, command.version);
  carryOut(shard, service, plan);
  if (report.created + report.updated + report.removed > 0) {
    const { kept, skipped: _, ...counts } = report;
    shard.record({
      entityId: service.id,
      parentId: null,
      type: 'service.schedule_applied',
      from: null,
      to: 'applied',
      actor: `provider:${command.caller.id}`,
      metadata: { ...counts, kept: kept.length, version: command.version },
    });
  }
  return ok({ kind: 'applied', report });
}

/** Slots of the stretch that have not started, with who keeps them. */
function presentSlots(shard: ShardState, { serviceId, over }: ApplyScheduleCommand): PresentSlot[] {
  const schedule = shard.inventory.schedule(serviceId);
  const found: PresentSlot[] = [];
  for (let i = firstAtOrAfter(schedule, over.startAtMs); i < schedule.length; i++) {
    const slot = schedule[i] as Slot;
    if (slot.startAtMs >= over.endAtMs) break;
    if (slot.startAtMs <= shard.nowMs) continue;
    const { inventory } = shard;
    const isLeaving = inventory.isLeaving(slot.id);
    found.push({ slot, keptBy: inventory.keeper(slot.id), isLeaving });
  }
  return found;
}

function carryOut(shard: ShardState, service: ServiceCard, plan: SchedulePlan): void {
  for (const { slot, isLeaving } of plan.leave) {
    shard.store.updateSlot(slot, isLeaving ? 'leaving' : 'open');
    shard.inventory.setLeaving(slot, isLeaving);
  }
  for (const slot of plan.withdraw) {
    const withdrawn = { ...slot, version: slot.version + 1 };
    shard.store.updateSlot(withdrawn, 'withdrawn');
    shard.inventory.withdrawSlot(withdrawn);
  }
  for (const { slot, wanted } of plan.update) {
    const { price, ruleId } = wanted;
    const updated = { ...slot, price, ruleId, version: slot.version + 1 };
    shard.store.updateSlot(updated, 'open');
    shard.inventory.putSlot(updated);
  }
  for (const wanted of plan.create) createSlot(shard, service, wanted);
}

/** A slot that was withdrawn comes back as itself, so that who kept its address still finds it. */
function createSlot(shard: ShardState, service: ServiceCard, wanted: WantedSlot): void {
  const { startAtMs, endAtMs, resourceId, price, ruleId } = wanted;
  const former = shard.inventory.withdrawnSlot(service.id, wanted);
  if (former !== null) {
    const slot = { ...former, price, ruleId, version: former.version + 1 };
    shard.store.updateSlot(slot, 'open');
    shard.inventory.putSlot(slot);
    return;
  }
  const slot: Slot = {
    id: shard.ports.ids.mintInShard('slt', shard.shardKey),
    serviceId: service.id,
    startAtMs,
    endAtMs,
    resourceId,
    capacity: null,
    price,
    fares: null,
    ruleId,
    blockedReason: null,
    version: 1,
  };
  shard.store.insertSlot(slot);
  shard.inventory.putSlot(slot);
}
