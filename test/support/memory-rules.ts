/** Rules and schedules in memory, counted as the triggers of D1 count them. The statements themselves are tested in workerd. */
import type {
  FilledWindow,
  RuleRecord,
  RuleStore,
  ServiceRules,
} from '../../src/application/availability/rule-ports.ts';
import type { Interval } from '../../src/domain/time.ts';

interface Schedule extends FilledWindow {
  version: number;
  generated: Interval | null;
  filledBasis: string | null;
  filledUntilMs: number | null;
  nextFillAtMs: number;
}

export class MemoryRules implements RuleStore {
  readonly #rules = new Map<string, RuleRecord>();
  readonly #schedules = new Map<string, Schedule>();

  async insert(rule: RuleRecord): Promise<RuleRecord> {
    const known = this.#rules.get(rule.id);
    if (known !== undefined) return known;
    this.#rules.set(rule.id, rule);
    this.#count(rule.serviceId);
    return rule;
  }

  async byId(id: string): Promise<RuleRecord | null> {
    return this.#rules.get(id) ?? null;
  }

  async replace(rule: RuleRecord): Promise<boolean> {
    if (this.#rules.get(rule.id)?.version !== rule.version - 1) return false;
    this.#rules.set(rule.id, rule);
    this.#count(rule.serviceId);
    return true;
  }

  async ofService(serviceId: string): Promise<ServiceRules> {
    const schedule = this.#schedules.get(serviceId);
    const rules = [...this.#rules.values()].filter(
      (rule) => rule.active && rule.serviceId === serviceId,
    );
    const version = schedule?.version ?? 0;
    return { version, rules, generated: schedule?.generated ?? null };
  }

  async widenGenerated(serviceId: string, { startAtMs, endAtMs }: Interval): Promise<void> {
    const schedule = this.#schedules.get(serviceId);
    if (schedule === undefined) return;
    const { generated } = schedule;
    schedule.generated = {
      startAtMs: Math.min(generated?.startAtMs ?? startAtMs, startAtMs),
      endAtMs: Math.max(generated?.endAtMs ?? endAtMs, endAtMs),
    };
  }

  async dueWindows(nowMs: number, limit: number): Promise<FilledWindow[]> {
    const due = [...this.#schedules.values()].filter(({ nextFillAtMs }) => nextFillAtMs <= nowMs);
    return due.toSorted((a, b) => a.nextFillAtMs - b.nextFillAtMs).slice(0, limit);
  }

  async windows(afterServiceId: string, limit: number): Promise<FilledWindow[]> {
    const after = [...this.#schedules.values()].filter(
      ({ serviceId }) => serviceId > afterServiceId,
    );
    return after.toSorted((a, b) => (a.serviceId < b.serviceId ? -1 : 1)).slice(0, limit);
  }

  async saveFilled(filled: Parameters<RuleStore['saveFilled']>[0]): Promise<void> {
    const schedule = this.#schedules.get(filled.serviceId);
    if (schedule?.version !== filled.version) return;
    schedule.filledBasis = filled.basis;
    schedule.filledUntilMs = filled.untilMs;
    schedule.nextFillAtMs = filled.nextFillAtMs;
  }

  async postpone(serviceId: string, nextFillAtMs: number): Promise<void> {
    const schedule = this.#schedules.get(serviceId);
    if (schedule !== undefined) schedule.nextFillAtMs = nextFillAtMs;
  }

  #count(serviceId: string): void {
    const known = this.#schedules.get(serviceId);
    if (known !== undefined) {
      known.version += 1;
      known.nextFillAtMs = 0;
      return;
    }
    this.#schedules.set(serviceId, {
      serviceId,
      version: 1,
      generated: null,
      filledBasis: null,
      filledUntilMs: null,
      nextFillAtMs: 0,
    });
  }
}
