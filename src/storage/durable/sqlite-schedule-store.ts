/** The SQL of schedules: slots that come and go, versions of rules, blocks of resources. Part of the inventory store. */
import type { LiveUnits, LiveUnitsQuery, ScheduleStore } from '../../application/schedule-store.ts';
import { MINUTE_MS } from '../../domain/time.ts';
import type { ResourceBlock } from '../../contracts/shard-schedule.ts';
import { SLOT_COLUMNS, slotFromValues, type Row } from './inventory-rows.ts';
import type { SqlAccess } from './sqlite-record-store.ts';

/** Builds the part over the SQL of a Durable Object whose schema is up to date. */
export function scheduleStore({ all, one, run, sql }: SqlAccess): ScheduleStore {
  return {
    ...slotStore({ all, run, sql }),
    scheduleVersion: (serviceId) =>
      (one('SELECT version FROM schedule WHERE service_id = ?', serviceId)?.['version'] ??
        0) as number,
    saveScheduleVersion(serviceId, version) {
      run(
        `INSERT INTO schedule (service_id, version) VALUES (?, ?)
         ON CONFLICT (service_id) DO UPDATE SET version = excluded.version`,
        serviceId,
        version,
      );
    },
    ...blockStore({ all, run }),
    liveUnitsIn: (query) => liveUnitsIn(all, query),
  };
}

type SlotMethods = 'slots' | 'withdrawnSlots' | 'leavingSlots' | 'insertSlot' | 'updateSlot';

function slotStore({
  all,
  run,
  sql,
}: Pick<SqlAccess, 'all' | 'run' | 'sql'>): Pick<ScheduleStore, SlotMethods> {
  return {
    *slots() {
      for (const values of sql
        .exec(`SELECT ${SLOT_COLUMNS} FROM slot WHERE is_withdrawn = 0`)
        .raw())
        yield slotFromValues(values);
    },
    *withdrawnSlots() {
      for (const values of sql
        .exec(`SELECT ${SLOT_COLUMNS} FROM slot WHERE is_withdrawn = 1`)
        .raw())
        yield slotFromValues(values);
    },
    leavingSlots: () =>
      all('SELECT id FROM slot WHERE is_leaving = 1').map(({ id }) => id as string),
    updateSlot(slot, sale) {
      run(
        `UPDATE slot SET price_minor = ?, price_currency = ?, rule_id = ?, blocked_reason = ?, version = ?,
           is_withdrawn = ?, is_leaving = ? WHERE id = ?`,
        slot.price?.amount ?? null,
        slot.price?.currency ?? null,
        slot.ruleId,
        slot.blockedReason,
        slot.version,
        sale === 'withdrawn' ? 1 : 0,
        sale === 'leaving' ? 1 : 0,
        slot.id,
      );
    },
    insertSlot(slot) {
      run(
        `INSERT INTO slot (id, service_id, start_at_ms, end_at_ms, resource_id, capacity,
           price_minor, price_currency, fares, rule_id, blocked_reason, version)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        slot.id,
        slot.serviceId,
        slot.startAtMs,
        slot.endAtMs,
        slot.resourceId,
        slot.capacity,
        slot.price?.amount ?? null,
        slot.price?.currency ?? null,
        slot.fares === null ? null : JSON.stringify(slot.fares),
        slot.ruleId,
        slot.blockedReason,
        slot.version,
      );
    },
  };
}

type BlockMethods = 'blocks' | 'insertBlock' | 'deleteBlock' | 'holdsOn';

function blockStore({
  all,
  run,
}: Pick<SqlAccess, 'all' | 'run'>): Pick<ScheduleStore, BlockMethods> {
  return {
    blocks: () => all('SELECT * FROM resource_block ORDER BY start_at_ms, id').map(blockFromRow),
    insertBlock(block) {
      run(
        `INSERT INTO resource_block (id, resource_id, start_at_ms, end_at_ms, reason, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?)`,
        block.id,
        block.resourceId,
        block.startAtMs,
        block.endAtMs,
        block.reason,
        block.createdAtMs,
      );
    },
    deleteBlock(id) {
      run('DELETE FROM resource_block WHERE id = ?', id);
    },
    holdsOn: (resourceId, { startAtMs, endAtMs }) =>
      all(
        `SELECT claim.hold_id, min(slot.start_at_ms) AS first_at_ms FROM claim JOIN slot ON slot.id = claim.slot_id
         WHERE claim.is_live = 1 AND claim.resource_id = ? AND claim.start_at_ms < ? AND claim.end_at_ms > ?
           AND slot.start_at_ms < ? AND slot.end_at_ms > ?
         GROUP BY claim.hold_id ORDER BY first_at_ms, claim.hold_id`,
        resourceId,
        endAtMs,
        startAtMs,
        endAtMs,
        startAtMs,
      ).map((row) => row['hold_id'] as string),
  };
}

const LIVE_UNITS = `
  SELECT claim.hold_id, hold.caller_id, slot.start_at_ms, claim.slot_quantity
  FROM claim JOIN slot ON slot.id = claim.slot_id LEFT JOIN hold ON hold.id = claim.hold_id
  WHERE claim.is_live = 1 AND claim.slot_quantity > 0`;

/** Two questions, because live claims are found by resource and time as a whole, and by slot where units have names. */
function liveUnitsIn(
  all: SqlAccess['all'],
  { service, starts, slotIds }: LiveUnitsQuery,
): LiveUnits[] {
  // A claim begins before its slot by its buffer at most.
  const fromMs = starts.startAtMs - service.bufferBeforeMinutes * MINUTE_MS;
  const whole = service.resourceIds.flatMap((resourceId) =>
    all(
      `${LIVE_UNITS} AND claim.resource_id = ? AND claim.unit = '' AND claim.start_at_ms >= ? AND claim.start_at_ms < ?
         AND slot.service_id = ? AND slot.start_at_ms >= ? AND slot.start_at_ms < ?`,
      resourceId,
      fromMs,
      starts.endAtMs,
      service.id,
      starts.startAtMs,
      starts.endAtMs,
    ),
  );
  const named = slotIds.flatMap((slotId) =>
    all(`${LIVE_UNITS} AND claim.unit <> '' AND claim.slot_id = ?`, slotId),
  );
  return [...whole, ...named].map((row) => ({
    holdId: row['hold_id'] as string,
    callerId: row['caller_id'] as string | null,
    startAtMs: row['start_at_ms'] as number,
    quantity: row['slot_quantity'] as number,
  }));
}

function blockFromRow(row: Row): ResourceBlock {
  return {
    id: row['id'] as string,
    resourceId: row['resource_id'] as string,
    startAtMs: row['start_at_ms'] as number,
    endAtMs: row['end_at_ms'] as number,
    reason: row['reason'] as string,
    createdAtMs: row['created_at_ms'] as number,
  };
}
