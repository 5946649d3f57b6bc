/**
 * Everything that can be said against a provider before any of it is made: what its parts ask of one another, of people and
 * of the processor. All faults are told at once. Changes nothing.
 */
import { newTerms } from '../../contracts/http/availability.ts';
import type { ProvisionBody, ProvisionServiceBody } from '../../contracts/http/provisioning.ts';
import { ok, refuse, type Refusal, type Result } from '../../domain/result.ts';
import { checkTerms } from '../availability/check-terms.ts';
import { personByEmail } from '../manage-staff.ts';
import { countryOfCurrency } from '../payouts/payout-account.ts';
import type { ProvisioningDeps } from './provisioning-ports.ts';

/** Rules of all services together: one request can ask only so much of the platform. */
export const RULES_MAX = 30;

interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

/** Refusals: `validation_failed` with every fault, `processor_not_supported` where nobody is paid out here. */
export async function checkProvision(
  deps: ProvisioningDeps,
  body: ProvisionBody,
): Promise<Result<null>> {
  const faults = [
    ...refFaults(body),
    ...body.services.flatMap((service, index) => serviceFaults(deps, body, { service, index })),
    ...(await staffFaults(deps, body)),
    ...payoutFaults(body),
  ];
  if (faults.length > 0) {
    const errors = faults.map(({ pointer, detail }) => ({ pointer, detail }));
    return refuse('validation_failed', 'The request is not valid.', { errors });
  }
  if (body.payoutAccount !== undefined && deps.payouts.gateway === null)
    return refuse('processor_not_supported', 'Nobody is paid out through a processor here.');
  return ok(null);
}

/** A name is used once, and what is named is there. */
function refFaults({ shards = [], resources, services }: ProvisionBody): Fault[] {
  const shardRefs = new Set(shards.map(({ ref }) => ref));
  const rules = services.reduce((total, one) => total + (one.availabilityRules?.length ?? 0), 0);
  return [
    ...repeated('/shards', shards),
    ...repeated('/resources', resources),
    ...repeated('/services', services),
    ...resources.flatMap(({ shard }, index) =>
      shard === undefined || shardRefs.has(shard)
        ? []
        : [{ pointer: `/resources/${index}/shard`, detail: `there is no shard "${shard}"` }],
    ),
    ...(rules > RULES_MAX
      ? [{ pointer: '/services', detail: `have more than ${RULES_MAX} rules together` }]
      : []),
  ];
}

function repeated(list: string, parts: readonly { readonly ref: string }[]): Fault[] {
  const seen = new Set<string>();
  return parts.flatMap(({ ref }, index) => {
    const isKnown = seen.has(ref);
    seen.add(ref);
    return isKnown ? [{ pointer: `${list}/${index}/ref`, detail: 'is used twice' }] : [];
  });
}

function serviceFaults(
  deps: ProvisioningDeps,
  body: ProvisionBody,
  { service, index }: { readonly service: ProvisionServiceBody; readonly index: number },
): Fault[] {
  const at = `/services/${index}`;
  const { currency } = body.provider;
  const known = new Map(body.resources.map(({ ref, shard }) => [ref, shard ?? null]));
  const shards = new Set(service.resources.map((ref) => known.get(ref)));
  const faults = service.resources.flatMap((ref, place) =>
    known.has(ref)
      ? []
      : [{ pointer: `${at}/resources/${place}`, detail: `there is no resource "${ref}"` }],
  );
  if (faults.length === 0 && shards.size > 1)
    faults.push({ pointer: `${at}/resources`, detail: 'are not in one shard' });
  if (service.price.currency !== currency)
    faults.push({ pointer: `${at}/price/currency`, detail: `must be the provider's, ${currency}` });
  for (const [place, id] of (service.planIds ?? []).entries())
    if (deps.ids.open('pln', id) === null)
      faults.push({ pointer: `${at}/planIds/${place}`, detail: 'is not a plan' });
  return [...faults, ...ruleFaults(deps, body, { service, at })];
}

/** The rules as their own call would judge them; until there are ids, names stand for resources. */
function ruleFaults(
  deps: ProvisioningDeps,
  body: ProvisionBody,
  { service, at }: { readonly service: ProvisionServiceBody; readonly at: string },
): Fault[] {
  const { durationMinutes, bufferBeforeMinutes = 0, bufferAfterMinutes = 0, price } = service;
  const lengths = { durationMinutes, bufferBeforeMinutes, bufferAfterMinutes };
  const ruled = { ...lengths, price, resourceIds: service.resources };
  return (service.availabilityRules ?? []).flatMap(({ resource, ...rule }, place) => {
    const terms = newTerms({ ...rule, resourceId: resource }, body.venue.timeZone);
    const checked = checkTerms(deps.availability.calendars, ruled, terms);
    return checked.ok ? [] : faultsOf(checked.refusal, `${at}/availabilityRules/${place}`);
  });
}

function faultsOf({ detail, extra }: Refusal, at: string): Fault[] {
  const errors = extra?.['errors'] as readonly Fault[] | undefined;
  return (errors ?? [{ pointer: '', detail }]).map((fault) => ({
    pointer: `${at}${fault.pointer.replace(/^\/resourceId$/, '/resource')}`,
    detail: fault.detail,
  }));
}

async function staffFaults(
  deps: ProvisioningDeps,
  { staff = [] }: ProvisionBody,
): Promise<Fault[]> {
  const people = await Promise.all(staff.map((email) => personByEmail(deps, email)));
  return people.flatMap((userId, index) =>
    userId === null ? [{ pointer: `/staff/${index}`, detail: 'has no account here' }] : [],
  );
}

function payoutFaults({ provider: { currency }, payoutAccount }: ProvisionBody): Fault[] {
  if (payoutAccount === undefined || payoutAccount.country !== undefined) return [];
  if (countryOfCurrency(currency) !== undefined) return [];
  const detail = `is needed: ${currency} is paid in several countries`;
  return [{ pointer: '/payoutAccount/country', detail }];
}
