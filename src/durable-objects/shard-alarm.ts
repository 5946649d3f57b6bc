/**
 * When a shard's alarm must ring: the earliest deadline, or the next time that a consumer which is behind is told again.
 * The alarm is only a janitor; nothing relies on its being on time. It is moved earlier by what is added, never later,
 * so that an ordinary hold costs no alarm write.
 */

/** How long a consumer that was told has before it is told again. */
export const TELL_AGAIN_MS = 30_000;

/** What is known when the alarm is set; instants of the platform's clock, in milliseconds. */
export interface AlarmFacts {
  readonly nowMs: number;
  readonly earliestDeadlineMs: number | null;
  /** A stream is behind, or a member's object has not acknowledged a notice. */
  readonly isAnyoneBehind: boolean;
  /** The instant that the alarm stands at, null for none. */
  readonly currentMs: number | null;
}

/** The instant to move the alarm to; null to leave it as it is. */
export function nextAlarmMs(facts: AlarmFacts): number | null {
  const wanted = Math.min(
    facts.earliestDeadlineMs ?? Number.POSITIVE_INFINITY,
    facts.isAnyoneBehind ? facts.nowMs + TELL_AGAIN_MS : Number.POSITIVE_INFINITY,
  );
  if (wanted === Number.POSITIVE_INFINITY) return null;
  return facts.currentMs === null || wanted < facts.currentMs ? wanted : null;
}
