/**
 * What every payment gateway promises to the use cases, as one suite that each processor's adapter runs
 * against a server that speaks the processor's own protocol. A processor's file supplies the harness, and the traits by
 * which the processor differs; a promise that it cannot keep is excepted by name, with the reason.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  describeFailing,
  describeLosing,
  describeMisconfiguring,
} from './payment-gateway-faults.case.ts';
import {
  describeApproving,
  describeCapturing,
  describeChallenging,
  describeDeclining,
  describePaying,
  describeVoiding,
} from './payment-gateway-money.case.ts';
import { describeFailingToPush, describePushing } from './payment-gateway-push.case.ts';
import { describeListing, describeWebhooks } from './payment-gateway-reading.case.ts';
import { describeFindingRefunds, describeRefunding } from './payment-gateway-refunds.case.ts';
import {
  DIRECT_TRAITS,
  type Contract,
  type GatewayHarness,
  type GatewayTraits,
} from './payment-gateway-subject.ts';

/** Runs the contract. `makeHarness` starts a processor with empty books. */
export function describePaymentGateway(
  name: string,
  makeHarness: () => Promise<GatewayHarness>,
  traits: GatewayTraits = DIRECT_TRAITS,
): void {
  describe(`payment gateway: ${name}`, () => {
    let harness: GatewayHarness;
    const contract: Contract = {
      get harness() {
        return harness;
      },
      get gateway() {
        return harness.gateway;
      },
      traits,
      excepted: new Set(),
    };
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.clearFaults());
    afterAll(() => harness.close());
    describeEveryFlow(contract);
    if (traits.flow === 'push') {
      describePushing(contract);
      describeFailingToPush(contract);
    } else {
      describeAuthorizing(contract);
    }
    describeTraits(contract);
  });
}

function describeEveryFlow(contract: Contract): void {
  describePaying(contract);
  describeVoiding(contract);
  describeRefunding(contract);
  describeFindingRefunds(contract);
  describeLosing(contract);
  describeMisconfiguring(contract);
  describeListing(contract);
  describeWebhooks(contract);
}

function describeAuthorizing(contract: Contract): void {
  describeDeclining(contract);
  if (contract.traits.flow === 'direct') describeChallenging(contract);
  else describeApproving(contract);
  describeCapturing(contract);
  describeFailing(contract);
}

/** The traits are the adapter's own, and every exception is from a promise that the suite makes. */
function describeTraits(contract: Contract): void {
  const { traits, excepted } = contract;
  describe('traits', () => {
    it('are what the gateway says of itself', () => {
      expect(contract.gateway.capabilities).toEqual({
        authorizesFirst: traits.flow !== 'push',
        refunds: traits.refunds,
      });
    });

    it('except nothing that is not promised, and nothing without a reason', () => {
      expect(Object.keys(traits.exceptions).toSorted()).toEqual([...excepted].toSorted());
      for (const reason of Object.values(traits.exceptions)) expect(reason).not.toBe('');
    });
  });
}
