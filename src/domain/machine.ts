/**
 * State machines as total tables: every state names every event, with the next state or the refusal.
 * Growth happens in a table, never in the service that steps it; nobody assigns a status outside step().
 */
import type { RefusalCode } from './codes.ts';

/** What an event does in a state: move to a state (maybe the same one), or refuse with a code. */
export type Cell<S extends string> = { readonly to: S } | { readonly refuse: RefusalCode };

/** A total table: leaving out a cell or misspelling a state does not compile. */
export type Machine<S extends string, E extends string> = {
  readonly [state in S]: { readonly [event in E]: Cell<S> };
};

/** The outcome of a step. `moved` is false for a self-transition: a repeat or an event that came late. */
export type Step<S extends string> =
  | { readonly ok: true; readonly from: S; readonly to: S; readonly moved: boolean }
  | { readonly ok: false; readonly from: S; readonly refuse: RefusalCode };

/** Looks the cell up; pure, no effects. */
export function step<S extends string, E extends string>(
  machine: Machine<S, E>,
  state: S,
  event: E,
): Step<S> {
  const cell: Cell<S> = machine[state][event];
  if ('refuse' in cell) return { ok: false, from: state, refuse: cell.refuse };
  return { ok: true, from: state, to: cell.to, moved: cell.to !== state };
}

/** The states of a machine, in the order of its table. */
export function statesOf<S extends string, E extends string>(machine: Machine<S, E>): S[] {
  return Object.keys(machine) as S[];
}

/** The states that can be reached from `start`, itself included. */
export function reachable<S extends string, E extends string>(
  machine: Machine<S, E>,
  start: S,
): ReadonlySet<S> {
  const seen = new Set<S>([start]);
  for (const state of seen) {
    for (const cell of Object.values<Cell<S>>(machine[state])) {
      if ('to' in cell) seen.add(cell.to);
    }
  }
  return seen;
}

/** Renders the table as a Mermaid state diagram; self-transitions and refusals are left out. */
export function toMermaid<S extends string, E extends string>(machine: Machine<S, E>): string {
  const lines = ['stateDiagram-v2'];
  for (const from of statesOf(machine)) {
    for (const [event, cell] of Object.entries<Cell<S>>(machine[from])) {
      if ('to' in cell && cell.to !== from) lines.push(`  ${from} --> ${cell.to}: ${event}`);
    }
  }
  return lines.join('\n');
}
