/** What the use cases of subscriptions run on. */
import type { DataRegion } from '../../domain/ids.ts';
import type { Calendar } from '../../domain/calendar.ts';
import type { BillingStore, PlanStore } from '../billing-ports.ts';
import type { DraftPorts } from './billing-draft.ts';
import type { Clock, GatewayRegistry, Logger, ObjectDirectory } from '../ports.ts';

export interface BillingDeps extends DraftPorts {
  readonly clock: Clock;
  readonly calendar: Calendar;
  readonly plans: Pick<PlanStore, 'onSale' | 'version' | 'migrationTarget'>;
  readonly billing: (region: DataRegion) => BillingStore;
  readonly objects: Pick<ObjectDirectory, 'member'>;
  readonly gateways: GatewayRegistry;
  readonly log: Logger;
}
