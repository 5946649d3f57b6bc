/** Deadlines come out in order of their instants, whatever order they went in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlineQueue } from '../../src/domain/deadline-queue.ts';

interface Due {
  readonly atMs: number;
  readonly id: string;
}

describe('the deadline queue', () => {
  test('an empty queue has nothing due and no earliest instant', () => {
    const queue = new DeadlineQueue();
    expect(queue.earliestMs).toBeNull();
    expect(queue.takeDue(Number.MAX_SAFE_INTEGER)).toBeNull();
    expect(queue.size).toBe(0);
  });

  test('an entry is due at its instant, and not a millisecond before', () => {
    const queue = new DeadlineQueue();
    queue.push(100, 'hld_a');
    expect(queue.takeDue(99)).toBeNull();
    expect(queue.takeDue(100)).toBe('hld_a');
    expect(queue.takeDue(100)).toBeNull();
  });

  test('gives what a sorted list would give, whatever is pushed and taken in between', () => {
    const operation = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 50 }) }),
      fc.record({ take: fc.integer({ min: 0, max: 60 }) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const queue = new DeadlineQueue();
        const sorted: Due[] = [];
        for (const [index, one] of operations.entries()) {
          if ('push' in one) {
            queue.push(one.push, `id_${index}`);
            sorted.push({ atMs: one.push, id: `id_${index}` });
            sorted.sort((a, b) => a.atMs - b.atMs);
          } else {
            takeBoth(queue, sorted, one.take);
          }
          expect(queue.earliestMs).toBe(sorted[0]?.atMs ?? null);
          expect(queue.size).toBe(sorted.length);
        }
      }),
    );
  });
});

/** Takes from both; entries of one instant may come in any order, so the list gives up the one that the queue gave. */
function takeBoth(queue: DeadlineQueue, sorted: Due[], nowMs: number): void {
  const taken = queue.takeDue(nowMs);
  const [first] = sorted;
  if (first === undefined || first.atMs > nowMs) {
    expect(taken).toBeNull();
    return;
  }
  const index = sorted.findIndex(({ atMs, id }) => atMs === first.atMs && id === taken);
  expect(index).toBeGreaterThanOrEqual(0);
  sorted.splice(index, 1);
}
