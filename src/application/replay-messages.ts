/**
 * What an operator may send again: an event of the inbox, a message that a consumer gave up on. Consumers are
 * idempotent and look at present truth, so a replay can do no harm. Called by the operators' routes.
 */
import type { QueueMessage } from '../contracts/queue-messages.ts';
import { regionOf, type DataRegion } from '../domain/ids.ts';
import { refuse, type Result } from '../domain/result.ts';
import type {
  DeadLetter,
  DeadLetterStore,
  InboxEventSummary,
  InboxStore,
  ReceivedQuery,
} from './inbox-ports.ts';
import { decodeCursor, mergePage, type Page } from './page-cursor.ts';
import type { Clock, IdCodec, MessageSender } from './ports.ts';

export interface ReplayDeps {
  readonly clock: Clock;
  readonly ids: IdCodec;
  readonly messages: MessageSender;
  readonly letters: DeadLetterStore;
  inbox(region: DataRegion): InboxStore;
  /** Reads a message; null for what is none. */
  parseMessage(text: string): QueueMessage | null;
}

const EVERY_REGION: readonly DataRegion[] = ['global', 'eu'];

/** Events of every region, newest first. Refusals: `validation_failed`. */
export async function listWebhookEvents(
  deps: Pick<ReplayDeps, 'inbox'>,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Result<Page<InboxEventSummary>>> {
  const stores = EVERY_REGION.map((region) => deps.inbox(region));
  return listReceived(page, (query) => Promise.all(stores.map((store) => store.list(query))));
}

/** Dead letters, newest first. Refusals: `validation_failed`. */
export async function listDeadLetters(
  deps: Pick<ReplayDeps, 'letters'>,
  page: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Result<Page<DeadLetter>>> {
  return listReceived(page, async (query) => [await deps.letters.list(query)]);
}

/** Sends an event to its consumer again. Refusals: `not_found`. */
export async function replayWebhookEvent(deps: ReplayDeps, id: string): Promise<Result<null>> {
  const parts = deps.ids.open('whk', id);
  const event = parts === null ? null : await deps.inbox(regionOf(parts.locator)).byId(id);
  if (event === null) return refuse('not_found', 'There is no such event.');
  const { processor } = event;
  await deps.messages.send({ v: 1, type: 'webhook.received', processor, eventId: id });
  return { ok: true, value: null };
}

/** Sends a dead letter to its queue again. Refusals: `not_found`, `invalid_transition` for what is no message. */
export async function replayDeadLetter(deps: ReplayDeps, id: string): Promise<Result<null>> {
  const letter = await deps.letters.byId(id);
  if (letter === null) return refuse('not_found', 'There is no such dead letter.');
  const message = deps.parseMessage(letter.body);
  if (message === null) {
    return refuse('invalid_transition', 'No consumer understands this message; it stays here.');
  }
  await deps.messages.send(message);
  await deps.letters.markReplayed(id, deps.clock.nowMs());
  return { ok: true, value: null };
}

async function listReceived<T extends { readonly receivedAtMs: number; readonly id: string }>(
  page: { readonly cursor?: string | undefined; readonly limit: number },
  read: (query: ReceivedQuery) => Promise<T[][]>,
): Promise<Result<Page<T>>> {
  const cursor = decodeCursor(page.cursor, ['number', 'string']);
  if (!cursor.ok) return cursor;
  const [receivedAtMs, id] = cursor.value ?? [];
  const after = receivedAtMs === undefined || id === undefined ? null : { receivedAtMs, id };
  const lists = await read({ after, limit: page.limit + 1 });
  const value = mergePage(lists, {
    compare: (a, b) => b.receivedAtMs - a.receivedAtMs || (a.id < b.id ? 1 : -1),
    place: (row) => [row.receivedAtMs, row.id],
    limit: page.limit,
  });
  return { ok: true, value };
}
