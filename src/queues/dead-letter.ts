/**
 * Keeps what other consumers gave up on, so that an operator can see it and send it again. A letter is stored under
 * the queue's id of the message: a redelivery is the same row. Called by the queue dispatcher.
 */
import type { DeadLetterStore } from '../application/inbox-ports.ts';
import type { EpochMs } from '../domain/time.ts';

/** A message of the dead-letter queue, as much of it as is kept. */
export interface DeadMessage {
  readonly id: string;
  readonly body: unknown;
}

/** What the consumer needs. */
export interface DeadLetterDeps {
  readonly letters: Pick<DeadLetterStore, 'insert'>;
  readonly queue: string;
  readonly nowMs: EpochMs;
}

/** Stores the letters of one batch in one write; the caller acknowledges the batch only after it. */
export async function storeDeadLetters(
  deps: DeadLetterDeps,
  messages: readonly DeadMessage[],
): Promise<void> {
  await deps.letters.insert(
    messages.map((message) => ({
      id: message.id,
      queue: deps.queue,
      // A body that is not JSON would be undefined here; null keeps the letter visible.
      body: JSON.stringify(message.body ?? null),
      // The queue tells a dead-letter consumer no reason; the failing consumer's log has it, under the same id.
      error: null,
      receivedAtMs: deps.nowMs,
    })),
  );
}
