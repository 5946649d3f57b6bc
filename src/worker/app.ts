/**
 * The HTTP application: middleware in its order, every route from a list, and problems for what no route takes.
 * Builds itself once, without an environment, so that the OpenAPI document can be made anywhere.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { App, AppEnv } from './context.ts';
import { onError, onValidated } from './middleware/errors.ts';
import { measure } from './middleware/measure.ts';
import { answerUnrouted } from './middleware/unrouted.ts';
import { ratePolicy } from './middleware/rate-limit.ts';
import { requestId } from './middleware/request-id.ts';
import { secureHeaders } from './middleware/secure-headers.ts';
import { SECURITY_SCHEMES } from './openapi.ts';
import { servicesOf } from './services.ts';
// Routes: one line here and one in ROUTES for each file of routes/.
import { registerAuth } from './routes/auth.ts';
import { registerMe } from './routes/me.ts';
import { registerAvailabilityRules } from './routes/availability-rules.ts';
import { registerBlocks } from './routes/blocks.ts';
import { registerBookingApproval } from './routes/booking-approval.ts';
import { registerBookingAttendance } from './routes/booking-attendance.ts';
import { registerPaymentMethods } from './routes/payment-methods.ts';
import { registerBookingPapers } from './routes/booking-papers.ts';
import { registerFeeds } from './routes/feeds.ts';
import { registerBookingLookup } from './routes/booking-lookup.ts';
import { registerBookingsList } from './routes/bookings-list.ts';
import { registerBookingChanges } from './routes/booking-changes.ts';
import { registerBookings } from './routes/bookings.ts';
import { registerGuestSessions } from './routes/guest-sessions.ts';
import { registerHolds } from './routes/holds.ts';
import { registerJobs } from './routes/jobs.ts';
import { registerManage } from './routes/manage.ts';
import { registerWebhooks } from './routes/webhooks.ts';
import { registerWellKnown } from './routes/well-known.ts';
import { registerOpsAudit } from './routes/ops-audit.ts';
import { registerInvoices } from './routes/invoices.ts';
import { registerOpsMessages } from './routes/ops-messages.ts';
import { registerOpsReviews } from './routes/ops-reviews.ts';
import { registerOpsMoney } from './routes/ops-money.ts';
import { registerOpsPlans } from './routes/ops-plans.ts';
import { registerSubscriptions } from './routes/subscriptions.ts';
import { registerOpsCommissions } from './routes/ops-commissions.ts';
import { registerPayouts } from './routes/payouts.ts';
import { registerProvisioning } from './routes/provisioning.ts';
import { registerPlans } from './routes/plans.ts';
import { registerProviders } from './routes/providers.ts';
import { registerProviderStaff } from './routes/provider-staff.ts';
import { registerResources } from './routes/resources.ts';
import { registerServices } from './routes/services.ts';
import { registerLive } from './routes/live.ts';
import { registerCoupons } from './routes/coupons.ts';
import { registerSlots } from './routes/slots.ts';
import { registerWaitlist } from './routes/waitlist.ts';
import { registerVenues } from './routes/venues.ts';
import { registerOperations } from './routes/operations.ts';
import { registerReference } from './routes/reference.ts';
import { subscriberCommands } from './use-case-deps.ts';

/** Everything that registers routes, in the order in which the reference lists them. */
const ROUTES: readonly ((app: App) => void)[] = [
  registerAuth,
  registerMe,
  registerGuestSessions,
  registerPaymentMethods,
  registerProviders,
  registerProviderStaff,
  registerProvisioning,
  registerVenues,
  registerResources,
  registerServices,
  registerSlots,
  registerAvailabilityRules,
  registerCoupons,
  registerBlocks,
  registerWaitlist,
  registerLive,
  registerPlans,
  registerSubscriptions,
  registerInvoices,
  registerHolds,
  registerBookings,
  registerBookingLookup,
  registerBookingAttendance,
  registerBookingApproval,
  registerBookingPapers,
  registerBookingChanges,
  registerBookingsList,
  registerFeeds,
  registerManage,
  registerPayouts,
  registerWebhooks,
  registerWellKnown,
  registerOpsAudit,
  registerOpsMessages,
  registerOpsReviews,
  registerOpsMoney,
  (app) => registerOpsPlans(app, subscriberCommands),
  registerOpsCommissions,
  registerJobs,
  registerReference,
  registerOperations,
];

/** Builds the application. */
export function createApp(): App {
  const app: App = new OpenAPIHono<AppEnv>({ defaultHook: onValidated });
  app.onError(onError);
  app.notFound(answerUnrouted(app));
  app.use(async (c, next) => {
    c.set('services', servicesOf(c.env));
    c.set('body', { kind: 'empty' });
    c.set('caller', null);
    c.set('callKey', null);
    c.set('isResumedCall', false);
    c.set('rateClass', 'default');
    c.set('pathIds', {});
    await next();
  });
  app.use(measure, requestId, secureHeaders, ratePolicy);
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) {
    app.openAPIRegistry.registerComponent('securitySchemes', name, scheme);
  }
  for (const register of ROUTES) register(app);
  return app;
}
