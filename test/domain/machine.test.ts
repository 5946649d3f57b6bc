/** What a table of states can be asked: a step, what can be reached, a picture. */
import { describe, expect, test } from 'vitest';
import { reachable, statesOf, step, toMermaid, type Machine } from '../../src/domain/machine.ts';

const DOOR = {
  open: { push: { to: 'shut' }, lock: { refuse: 'invalid_transition' } },
  shut: { push: { to: 'open' }, lock: { to: 'locked' } },
  locked: { push: { to: 'locked' }, lock: { to: 'locked' } },
} as const satisfies Machine<'open' | 'shut' | 'locked', 'push' | 'lock'>;

describe('machines', () => {
  test('a step tells where it came from, where it leads and whether it moved', () => {
    expect(step(DOOR, 'open', 'push')).toEqual({ ok: true, from: 'open', to: 'shut', moved: true });
    expect(step(DOOR, 'locked', 'push')).toEqual({
      ok: true,
      from: 'locked',
      to: 'locked',
      moved: false,
    });
  });

  test('a refused step names its code and moves nothing', () => {
    expect(step(DOOR, 'open', 'lock')).toEqual({
      ok: false,
      from: 'open',
      refuse: 'invalid_transition',
    });
  });

  test('states are listed in the order of the table', () => {
    expect(statesOf(DOOR)).toEqual(['open', 'shut', 'locked']);
  });

  test('reachable follows moves, not refusals', () => {
    expect([...reachable(DOOR, 'open')]).toEqual(['open', 'shut', 'locked']);
    expect([...reachable(DOOR, 'locked')]).toEqual(['locked']);
  });

  test('the diagram shows moves alone', () => {
    expect(toMermaid(DOOR)).toBe(
      'stateDiagram-v2\n  open --> shut: push\n  shut --> open: push\n  shut --> locked: lock',
    );
  });
});
