/** Joins provisioning to this isolate's services. Decides nothing. Called by its routes. */
import type { ProvisioningDeps } from '../application/provisioning/provisioning-ports.ts';
import { ProvisioningRepository } from '../storage/d1/provisioning-repository.ts';
import { availabilityDeps } from './availability-deps.ts';
import type { Services } from './context.ts';
import { payoutDeps } from './payout-deps.ts';
import { staffDeps } from './use-case-deps.ts';

/** For the setting up of providers, and its undoing. */
export function provisioningDeps(services: Services): ProvisioningDeps {
  return {
    ...staffDeps(services),
    availability: availabilityDeps(services),
    payouts: payoutDeps(services),
    provisionings: (region) => new ProvisioningRepository(services.databases.of(region)),
  };
}
