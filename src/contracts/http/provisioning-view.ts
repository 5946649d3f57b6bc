/** Maps what provisioning keeps to what goes on the wire. */
import type { EpochMs } from '../../domain/time.ts';
import type { ProvisioningView } from './provisioning.ts';
import { formatInstant } from './views.ts';

/**
 * A provisioning on the wire. `made` has ids by the names of steps: a kind and, where there are several, a `ref` or a place
 * after a space.
 */
export function toProvisioningView(record: {
  readonly id: string;
  readonly state: ProvisioningView['status'];
  readonly made: Readonly<Record<string, string>>;
  readonly createdAtMs: EpochMs;
}): ProvisioningView {
  const { id, state, made, createdAtMs } = record;
  const steps = Object.entries(made).map(([name, stepId]) => {
    const [kind = '', ref = ''] = name.split(' ');
    return { kind, ref, id: stepId };
  });
  const of = (kind: string) => steps.filter((step) => step.kind === kind);
  const placed = (kind: string) => of(kind).map((step) => ({ ref: step.ref, id: step.id }));
  const rules = of('rule');
  return {
    id,
    status: state,
    providerId: made['provider'] ?? null,
    venueId: made['venue'] ?? null,
    staff: of('staff').map((step) => step.id),
    shards: placed('shard'),
    resources: placed('resource'),
    services: placed('service').map((service) => ({
      ...service,
      availabilityRuleIds: rules.filter(({ ref }) => ref === service.ref).map((rule) => rule.id),
    })),
    createdAt: formatInstant(createdAtMs),
  };
}
