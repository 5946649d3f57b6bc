/**
 * What every payment gateway promises to the use cases, as one suite that each processor's adapter runs
 * against a server that speaks the processor's own protocol. A processor's file supplies the harness.
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { describeFailing, describeMisconfiguring } from './payment-gateway-faults.case.ts';
import {
  describeCapturing,
  describeChallenging,
  describeDeclining,
  describePaying,
  describeRefunding,
  describeVoiding,
} from './payment-gateway-money.case.ts';
import { describeListing, describeWebhooks } from './payment-gateway-reading.case.ts';
import type { GatewayHarness, Subject } from './payment-gateway-subject.ts';

/** Runs the contract. `makeHarness` starts a processor with empty books. */
export function describePaymentGateway(
  name: string,
  makeHarness: () => Promise<GatewayHarness>,
): void {
  describe(`payment gateway: ${name}`, () => {
    let harness: GatewayHarness;
    const subject: Subject = {
      get harness() {
        return harness;
      },
      get gateway() {
        return harness.gateway;
      },
    };
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.clearFaults());
    afterAll(() => harness.close());
    describePaying(subject);
    describeDeclining(subject);
    describeChallenging(subject);
    describeVoiding(subject);
    describeCapturing(subject);
    describeRefunding(subject);
    describeFailing(subject);
    describeMisconfiguring(subject);
    describeListing(subject);
    describeWebhooks(subject);
  });
}
