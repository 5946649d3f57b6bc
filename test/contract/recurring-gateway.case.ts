/**
 * What every gateway that keeps methods promises to billing: the first charge with its payer, later ones without, and
 * keeping a method without money. A processor's file supplies the harness; the parts are in the two files beside this.
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import {
  describeKeeping,
  describeRenewing,
  describeSaving,
  describeSigningUp,
} from './recurring-gateway-money.case.ts';
import {
  describeRecurringFaults,
  describeRecurringReading,
} from './recurring-gateway-faults.case.ts';
import type { RecurringHarness, RecurringSubject } from './recurring-gateway-subject.ts';

/** Runs the contract. `makeHarness` starts a processor with empty books. */
export function describeRecurringGateway(
  name: string,
  makeHarness: () => Promise<RecurringHarness>,
): void {
  describe(`recurring payments: ${name}`, () => {
    let harness: RecurringHarness;
    const subject: RecurringSubject = {
      get harness() {
        return harness;
      },
      get gateway() {
        return harness.gateway;
      },
      get recurring() {
        return harness.recurring;
      },
    };
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.clearFaults());
    afterAll(() => harness.close());
    describeSigningUp(subject);
    describeRenewing(subject);
    describeKeeping(subject);
    describeSaving(subject);
    describeRecurringFaults(subject);
    describeRecurringReading(subject);
  });
}
