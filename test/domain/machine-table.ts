/**
 * State machines as they are expected, written down by hand as a text table: one row per state, one column per event.
 * A cell names the next state, `=` stays, `-` refuses with invalid_transition, `!code` refuses with that code.
 */
import { expect, test } from 'vitest';
import { reachable, statesOf, step, type Machine } from '../../src/domain/machine.ts';

/** What a cell of the hand-written table says. */
interface Expected {
  readonly state: string;
  readonly event: string;
  readonly cell: string;
}

/** Reads the table; the first line names the events. */
export function readTable(text: string): Expected[] {
  const [head = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([state = '', ...cells]) => {
    if (cells.length !== head.length) throw new Error(`the row of ${state} is not complete`);
    return cells.map((cell, index) => ({ state, event: head[index] ?? '', cell }));
  });
}

/** One test per cell, and one that the table has no cell more or less than the machine. */
export function testEveryCell<S extends string, E extends string>(
  machine: Machine<S, E>,
  text: string,
): void {
  const expected = readTable(text);
  test('the hand-written table covers exactly the cells of the machine', () => {
    const cells = statesOf(machine).flatMap((state) =>
      Object.keys(machine[state]).map((event) => `${state} ${event}`),
    );
    expect(expected.map(({ state, event }) => `${state} ${event}`).toSorted()).toEqual(
      cells.toSorted(),
    );
  });
  test.each(expected)('$state, on $event, gives $cell', ({ state, event, cell }) => {
    expect(step(machine, state as S, event as E)).toEqual(outcomeOf(state, cell));
  });
}

/** States that a walk along all events but the named ones can come to. */
export function reachableWithout<S extends string, E extends string>(
  machine: Machine<S, E>,
  walk: { start: S; without: readonly E[] },
): S[] {
  const seen = new Set<S>([walk.start]);
  for (const state of seen) {
    for (const event of Object.keys(machine[state]) as E[]) {
      if (walk.without.includes(event)) continue;
      const outcome = step(machine, state, event);
      if (outcome.ok) seen.add(outcome.to);
    }
  }
  return [...seen].toSorted();
}

/** States that no event leads out of. */
export function terminalStates<S extends string, E extends string>(machine: Machine<S, E>): S[] {
  return statesOf(machine)
    .filter((state) => reachable(machine, state).size === 1)
    .toSorted();
}

function outcomeOf(from: string, cell: string): object {
  if (cell === '-') return { ok: false, from, refuse: 'invalid_transition' };
  if (cell.startsWith('!')) return { ok: false, from, refuse: cell.slice(1) };
  const to = cell === '=' ? from : cell;
  return { ok: true, from, to, moved: to !== from };
}
