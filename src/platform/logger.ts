/**
 * The structured log: one JSON object per line. Fields are allow-listed by name, so that a secret, an e-mail address,
 * a token or a body cannot get into the log by being handed to it. The only file that may use the console.
 */
import type { Clock, LogFields, Logger } from '../application/ports.ts';

/** Names that may be logged. Everything else is dropped, and its name is kept under `dropped`. */
const ALLOWED_FIELDS: ReadonlySet<string> = new Set([
  'attempt',
  'attempts',
  'bookingId',
  'cause',
  'code',
  'consumer',
  'count',
  'cron',
  'durationMs',
  'entityId',
  'error',
  'errorName',
  'eventId',
  'eventType',
  'failed',
  'handled',
  'headSeq',
  'holdId',
  'job',
  'lagMs',
  'messageId',
  'messageType',
  'method',
  'object',
  'operation',
  'operationId',
  'outcome',
  'paymentId',
  'processor',
  'queue',
  'reason',
  'reply',
  'requestId',
  'retries',
  'route',
  'runId',
  'seq',
  'shardKey',
  'subscriptionId',
  'stack',
  'state',
  'status',
  'stream',
  'throughSeq',
  'type',
  'userId',
]);

/** Longest value in characters: a log line is a clue, not an archive. */
const VALUE_LENGTH_MAX = 2_000;

/** What must not be seen even inside an allowed text such as an error's message. */
const REDACTIONS: readonly [RegExp, string][] = [
  [/[\w.+%-]+@[\w-]+(?:\.[\w-]+)+/g, '[email]'],
  [/\b(?:[sr]k_(?:live|test)|whsec|pi_\w+_secret)_\w+/g, '[secret]'],
  [/\bey[\w-]{10,}\.[\w-]+\.[\w-]+/g, '[token]'],
  [/\bhf[rkg]_[\w-]+/g, '[token]'],
  [/\b(?:\d[ -]?){12,18}\d\b/g, '[number]'],
];

/** Writes lines to the console, which the runtime collects. */
export function createLogger(clock: Clock): Logger {
  const write = (level: 'info' | 'warn' | 'error', event: string, fields: LogFields = {}): void => {
    console.log(
      JSON.stringify({
        at: new Date(clock.nowMs()).toISOString(),
        level,
        event,
        ...redact(fields),
      }),
    );
  };
  return {
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
  };
}

/** The fields that may be seen, with what must not be seen taken out of their texts. */
export function redact(fields: LogFields): Record<string, unknown> {
  const seen: Record<string, unknown> = {};
  const dropped: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (!ALLOWED_FIELDS.has(name)) dropped.push(name);
    else seen[name] = typeof value === 'string' ? redactText(value) : value;
  }
  return dropped.length === 0 ? seen : { ...seen, dropped };
}

/** An error as fields of the log. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const cause = error.cause instanceof Error ? error.cause.message : null;
  return { errorName: error.name, error: error.message, stack: error.stack ?? null, cause };
}

function redactText(text: string): string {
  let safe = text.slice(0, VALUE_LENGTH_MAX);
  for (const [pattern, mark] of REDACTIONS) safe = safe.replace(pattern, mark);
  return safe;
}
