/** The table of a waiting line's entries: an offer is used once, and what is over stays over. */
import { describe, expect, test } from 'vitest';
import { reachable, step } from '../../src/domain/machine.ts';
import {
  IN_LINE_STATES,
  WAITLIST_EVENTS,
  WAITLIST_MACHINE,
  WAITLIST_STATES,
} from '../../src/domain/waitlist/waitlist-machine.ts';

describe('an entry of a waiting line', () => {
  test('reaches every state from the line', () => {
    expect([...reachable(WAITLIST_MACHINE, 'waiting')].toSorted()).toEqual(
      [...WAITLIST_STATES].toSorted(),
    );
  });

  test('is over for good once it has left the line', () => {
    const over = WAITLIST_STATES.filter((state) => !IN_LINE_STATES.has(state));
    expect(over).toEqual(['taken', 'lapsed', 'left', 'closed']);
    for (const state of over)
      for (const event of WAITLIST_EVENTS)
        expect(step(WAITLIST_MACHINE, state, event).ok, `${state} ${event}`).toBe(false);
  });

  test('keeps its place only where the seller took the offer back', () => {
    const back = WAITLIST_EVENTS.filter((event) => {
      const outcome = step(WAITLIST_MACHINE, 'offered', event);
      return outcome.ok && outcome.to === 'waiting';
    });
    expect(back).toEqual(['withdraw']);
  });
});
