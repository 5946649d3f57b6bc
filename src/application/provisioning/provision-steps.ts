/**
 * What setting up a provider consists of: one use case of the catalogue for each part, in an order in which every part finds
 * what it names. A step makes the same thing however often it runs: its ids are derived from the call's key and its own name.
 */
import { newTerms } from '../../contracts/http/availability.ts';
import { fromInstant } from '../../contracts/http/catalogue-views.ts';
import type { ProvisionBody, ProvisionServiceBody } from '../../contracts/http/provisioning.ts';
import { required } from '../../domain/assert.ts';
import { ok, type Result } from '../../domain/result.ts';
import { createRule } from '../availability/manage-rules.ts';
import type { Asker } from '../catalogue-deps.ts';
import { createProvider } from '../manage-providers.ts';
import { createResource } from '../manage-resources.ts';
import { createService } from '../manage-services.ts';
import { openVenueShard } from '../manage-shards.ts';
import { addStaff } from '../manage-staff.ts';
import { createVenue } from '../manage-venues.ts';
import type { Made, ProvisioningDeps } from './provisioning-ports.ts';

/** One step. Its name is the place of its id in what was made. */
export interface ProvisionStep {
  readonly name: string;
  /** Answers the id of what it made. */
  make(deps: ProvisioningDeps, asker: Asker, made: Made): Promise<Result<string>>;
}

/** The step whose id is the provider's. */
export const PROVIDER_STEP = 'provider';

const VENUE_STEP = 'venue';

/** Names of steps that there are several of; a `ref` has no space in it, so that they never meet. */
export const stepName = {
  staff: (index: number) => `staff ${index}`,
  shard: (ref: string) => `shard ${ref}`,
  resource: (ref: string) => `resource ${ref}`,
  service: (ref: string) => `service ${ref}`,
  rule: (ref: string, index: number) => `rule ${ref} ${index}`,
} as const;

/**
 * Who asks for one step. Keys are visible ASCII, so that the space keeps a step's key apart from every key that a client may
 * send.
 */
export function askerOf({ caller, call }: Required<Asker>, name: string): Asker {
  if (call === null) return { caller, call };
  return { caller, call: { ...call, key: `${call.key} ${name}` } };
}

/** All steps of a body, in order. */
export function stepsOf(body: ProvisionBody): ProvisionStep[] {
  return [
    {
      name: PROVIDER_STEP,
      make: async (deps, asker) => idOf(await createProvider(deps, asker, body.provider)),
    },
    ...(body.staff ?? []).map((email, index): ProvisionStep => {
      const make: ProvisionStep['make'] = async (deps, asker, made) => {
        const wanted = { providerId: madeId(made, PROVIDER_STEP), email };
        const added = await addStaff(deps, asker.caller, wanted);
        return added.ok ? ok(added.value.userId) : added;
      };
      return { name: stepName.staff(index), make };
    }),
    {
      name: VENUE_STEP,
      make: async (deps, asker, made) => {
        const venue = { ...body.venue, providerId: madeId(made, PROVIDER_STEP) };
        return idOf(await createVenue(deps, asker, venue));
      },
    },
    ...(body.shards ?? []).map(({ ref, name }): ProvisionStep => {
      const make: ProvisionStep['make'] = async (deps, asker, made) =>
        idOf(await openVenueShard(deps, asker, { venueId: madeId(made, VENUE_STEP), name }));
      return { name: stepName.shard(ref), make };
    }),
    ...body.resources.map(resourceStep),
    ...body.services.flatMap((service) => [
      serviceStep(service),
      ...(service.availabilityRules ?? []).map((_, index) => ruleStep(service, index)),
    ]),
  ];
}

function resourceStep(resource: ProvisionBody['resources'][number]): ProvisionStep {
  const { ref, shard, isAtVenue = true, ...fields } = resource;
  return {
    name: stepName.resource(ref),
    make: async (deps, asker, made) => {
      const home = isAtVenue
        ? { venueId: madeId(made, VENUE_STEP) }
        : { providerId: madeId(made, PROVIDER_STEP) };
      const place = shard === undefined ? {} : { shardId: madeId(made, stepName.shard(shard)) };
      return idOf(await createResource(deps, asker, { ...home, ...place, ...fields }));
    },
  };
}

function serviceStep(service: ProvisionServiceBody): ProvisionStep {
  const { ref, resources, availabilityRules: _, ...fields } = service;
  return {
    name: stepName.service(ref),
    make: async (deps, asker, made) => {
      const resourceIds = resources.map((one) => madeId(made, stepName.resource(one)));
      const body = { ...fields, venueId: madeId(made, VENUE_STEP), resourceIds };
      const saleStartsAtMs = fromInstant(service.saleStartsAt);
      return idOf(await createService(deps, asker, { body, saleStartsAtMs }));
    },
  };
}

function ruleStep(service: ProvisionServiceBody, index: number): ProvisionStep {
  return {
    name: stepName.rule(service.ref, index),
    make: async (deps, asker, made) => {
      const rule = required(
        service.availabilityRules?.[index],
        'a step is of a rule that is there',
      );
      const { resource, ...body } = rule;
      const resourceId =
        resource === undefined ? undefined : madeId(made, stepName.resource(resource));
      return idOf(
        await createRule(deps.availability, asker, {
          serviceId: madeId(made, stepName.service(service.ref)),
          terms: (timeZone) => newTerms({ ...body, resourceId }, timeZone),
        }),
      );
    },
  };
}

function madeId(made: Made, name: string): string {
  return required(made[name], `the step "${name}" comes before those that need it`);
}

function idOf(result: Result<{ readonly id: string }>): Result<string> {
  return result.ok ? ok(result.value.id) : result;
}
