/** Append-only log files of the child processes, with a bound: past it the file becomes `.1` and the one before goes. */
import { appendFileSync, existsSync, renameSync, statSync } from 'node:fs';

/** Two files of this size at most per process: enough for hours of structured lines, small enough for a laptop. */
const LOG_BYTES_MAX = 8 * 1024 * 1024;
/** Lines wait this long at most, so that a burst costs one write. */
const FLUSH_AFTER_MS = 200;

export class LogFile {
  readonly #path: string;
  #bytes: number;
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(path: string) {
    this.#path = path;
    this.#bytes = existsSync(path) ? statSync(path).size : 0;
  }

  /** Adds a line; it reaches the disk within the flush interval. */
  line(text: string): void {
    this.#waiting.push(text);
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS).unref();
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.length === 0) return;
    const text = `${this.#waiting.join('\n')}\n`;
    this.#waiting = [];
    if (this.#bytes + text.length > LOG_BYTES_MAX && this.#bytes > 0) {
      renameSync(this.#path, `${this.#path}.1`);
      this.#bytes = 0;
    }
    appendFileSync(this.#path, text);
    this.#bytes += Buffer.byteLength(text);
  }
}
