/** How long a hold takes a service for, and whether the service is sold for so long. Pure; a rule of placing holds. */
import type { ServiceCard, Slot } from '../inventory/cards.ts';
import type { Refusal } from '../result.ts';
import { MINUTE_MS, type Interval } from '../time.ts';

/** The longest and the shortest stretch of a service are bounded: its slots that adjoin or overlap count together. */
export function lengthRefusal(
  lines: readonly { readonly service: ServiceCard; readonly slot: Slot }[],
): Refusal | null {
  const byService = Map.groupBy(lines, ({ service }) => service.id);
  for (const group of byService.values()) {
    const service = group[0]?.service;
    const detail = service && wrongLength(service, stretches(group.map(({ slot }) => slot)));
    if (detail === undefined || detail === null) continue;
    return {
      code: 'validation_failed',
      detail,
      extra: { errors: [{ pointer: '/slotIds', detail }] },
    };
  }
  return null;
}

function wrongLength(service: ServiceCard, held: readonly Interval[]): string | null {
  const lengths = held.map(({ startAtMs, endAtMs }) => endAtMs - startAtMs);
  const { name, minimumDurationMinutes: least, maximumDurationMinutes: most } = service;
  if (least !== null && Math.min(...lengths) < least * MINUTE_MS)
    return `${name} is held for at least ${least} minutes at a stretch.`;
  if (most !== null && Math.max(...lengths) > most * MINUTE_MS)
    return `${name} is held for at most ${most} minutes at a stretch.`;
  return null;
}

/** The intervals that the slots cover together. */
function stretches(slots: readonly Interval[]): Interval[] {
  const covered: Interval[] = [];
  for (const { startAtMs, endAtMs } of slots.toSorted((a, b) => a.startAtMs - b.startAtMs)) {
    const last = covered.at(-1);
    if (last === undefined || startAtMs > last.endAtMs) covered.push({ startAtMs, endAtMs });
    else covered[covered.length - 1] = { ...last, endAtMs: Math.max(last.endAtMs, endAtMs) };
  }
  return covered;
}
