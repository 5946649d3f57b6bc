/** Builders of cards and projections: complete, valid, and changed only where a test cares. */
import type { BookingProjection } from '../../src/contracts/shard-streams.ts';
import type { ResourceCard, ServiceCard } from '../../src/domain/inventory/cards.ts';

/** A court in the provider's first venue. */
export function makeResourceCard(overrides: Partial<ResourceCard> = {}): ResourceCard {
  return {
    id: 'res_court',
    providerId: 'prv_club',
    venueId: 'ven_hall',
    name: 'Court 1',
    kind: 'court',
    capacity: 1,
    units: null,
    active: true,
    version: 1,
    ...overrides,
  };
}

/** An hour on the court. */
export function makeServiceCard(overrides: Partial<ServiceCard> = {}): ServiceCard {
  return {
    id: 'svc_hour',
    providerId: 'prv_club',
    venueId: 'ven_hall',
    name: 'An hour of padel',
    description: null,
    category: 'sport',
    subcategory: null,
    requirements: null,
    tags: [],
    active: true,
    resourceIds: ['res_court'],
    allocation: 'any',
    durationMinutes: 60,
    minimumDurationMinutes: null,
    maximumDurationMinutes: null,
    price: { amount: 2_500, currency: 'usd' },
    priceType: 'fixed',
    timeZone: 'Europe/London',
    bufferBeforeMinutes: 0,
    bufferAfterMinutes: 0,
    minimumNoticeMinutes: 0,
    bookingWindowDays: 365,
    holdTtlSeconds: 300,
    access: 'open',
    planIds: [],
    maxQuantity: 1,
    maxPerCustomer: null,
    maxPerCustomerPerDay: null,
    saleStartsAtMs: null,
    requiresApproval: false,
    pledge: null,
    cancellationPolicy: [{ hoursBefore: 0, refundPercent: 100 }],
    noShowFee: null,
    tax: null,
    commissionBps: 1_000,
    guestCommissionBps: null,
    memberCommissionBps: null,
    version: 1,
    ...overrides,
  };
}

/** A confirmed and paid booking. */
export function makeBookingProjection(
  overrides: Partial<BookingProjection> = {},
): BookingProjection {
  return {
    id: 'bkg_one',
    code: 'ABC123',
    shardKey: 'gclub0000',
    providerId: 'prv_club',
    venueId: 'ven_hall',
    serviceId: 'svc_hour',
    customerId: 'usr_ann',
    status: 'confirmed',
    startAtMs: Date.parse('2026-12-01T09:00:00Z'),
    endAtMs: Date.parse('2026-12-01T10:00:00Z'),
    totalMinor: 2_500,
    currency: 'usd',
    paymentId: 'pay_one',
    paymentStatus: 'captured',
    processor: 'stripe',
    processorRef: 'pi_one',
    capturedMinor: 2_500,
    refundedMinor: 0,
    createdAtMs: Date.parse('2026-11-21T09:00:00Z'),
    version: 1,
    ...overrides,
  };
}
