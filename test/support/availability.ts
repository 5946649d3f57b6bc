/** Builders of availability rules: complete, valid, and changed only where a test cares. */
import type { RuleRecord } from '../../src/application/availability/rule-ports.ts';
import type { AvailabilityRule } from '../../src/domain/availability/rule.ts';

/** Every day from nine to five in London. */
export function makeRule(overrides: Partial<AvailabilityRule> = {}): AvailabilityRule {
  return {
    id: 'rul_daily',
    serviceId: 'svc_hour',
    pattern: 'FREQ=DAILY',
    startMinute: 9 * 60,
    endMinute: 17 * 60,
    timeZone: 'Europe/London',
    validFrom: '2026-12-01',
    lastDate: null,
    exceptions: [],
    resourceId: null,
    price: null,
    ...overrides,
  };
}

/** The same as D1 keeps it. */
export function makeRuleRecord(overrides: Partial<RuleRecord> = {}): RuleRecord {
  return {
    ...makeRule(),
    rrule: 'FREQ=DAILY',
    validUntil: null,
    active: true,
    version: 1,
    createdAtMs: Date.parse('2026-11-21T09:00:00Z'),
    ...overrides,
  };
}
