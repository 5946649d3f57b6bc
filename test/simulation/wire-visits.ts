/**
 * What visitors of the hall do: book, pay as their processor asks them to, decline, leave, pay partly, too much or late,
 * come back, cancel; and what happens to their money afterwards: refunds, refunds by hand, disputes.
 */
import {
  cancelWithRefund,
  checkOut,
  confirmPayment,
  giveUpHold,
  refundBooking,
} from '../../src/application/checkout.ts';
import { holdSlots } from '../../src/application/admit-hold.ts';
import type { BookingView } from '../../src/contracts/http/booking.ts';
import type { PaymentChoice } from '../../src/domain/booking/booking.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import type { Chance } from '../support/fake-clock.ts';
import { OWNER } from '../support/node-shard.ts';
import { card, CRYPTO, customer, ORDER } from '../support/node-shop.ts';
import type { WireWorld } from './wire-world.ts';

const PRICE_MINOR = 2_500;

/** Test cards, those that work more often. */
const CARDS = [
  'pm_card_visa',
  'pm_card_visa',
  'pm_card_mastercard',
  'pm_card_applePay',
  'pm_card_authenticationRequired',
  'pm_card_authenticationRequired',
  'pm_card_chargeDeclined',
  'pm_card_visa_chargeDeclinedInsufficientFunds',
  'pm_card_authenticationRequiredChargeDeclinedInsufficientFunds',
  'pm_card_pendingRefund',
  'pm_card_refundFail',
  'pm_card_createDispute',
  'pm_card_createDisputeInquiry',
  null,
] as const;

/** PayPal's test payers, the one with whom everything works more often. */
const PAYERS = [
  'payer_ok',
  'payer_ok',
  'payer_ok',
  'payer_ok',
  'payer_instrument_declined',
  'payer_authorization_pending',
  'payer_authorization_denied',
  'payer_capture_pending',
  'payer_capture_declined',
  'payer_capture_declined_later',
  'payer_refund_pending',
  'payer_refund_failed',
  'payer_refund_refused',
  'payer_dispute',
  'payer_inquiry',
] as const;

interface Visitor {
  readonly world: WireWorld;
  readonly chance: Chance;
  readonly by: string;
}

/** One visitor, from the door to long after. */
export async function visit(world: WireWorld, chance: Chance): Promise<void> {
  const visitor: Visitor = { world, chance, by: `usr_${chance.below(60)}` };
  let booking = await book(visitor, await wanted(visitor));
  if (booking === null) return;
  await payerActs(visitor, booking);
  if (chance.happens(0.1)) {
    booking = (await book(visitor, booking.holdId)) ?? booking;
    await payerActs(visitor, booking);
  }
  await world.tick(chance.below(3));
  if (chance.happens(0.6)) await look(visitor, booking);
  await world.tick(chance.below(3));
  if (chance.happens(0.5)) await aftermath(visitor, booking);
  if (chance.happens(0.2)) {
    await world.tick(1 + chance.below(3));
    await aftermath(visitor, booking);
  }
}

/** A hold that was placed before, or the slots themselves. */
async function wanted({ world, chance, by }: Visitor): Promise<string | readonly string[]> {
  const slots = [chance.pick(world.shop.slotIds)];
  if (chance.happens(0.6)) return slots;
  const command = world.shop.holdCommand(slots, { by, budget: 1_000 });
  const held = await world.ask(() => holdSlots(world.ports, command));
  await world.tick(chance.below(2));
  return held?.ok === true ? held.value.id : slots;
}

/** Books, and tries once more with another way to pay where the first was declined. Null when nothing came of it. */
async function book(
  visitor: Visitor,
  target: string | readonly string[],
): Promise<BookingView | null> {
  const { world, chance, by } = visitor;
  const command = world.shop.bookCommand(target, choiceOf(world.processor, chance), {
    by,
    budget: 1_000,
  });
  const reply = await world.ask(() => checkOut(world.ports, command));
  if (reply === null) return null;
  if (reply.ok) return reply.value;
  if (reply.refusal.code !== 'payment_declined') return null;
  world.note('a payment was declined');
  const holdId = reply.refusal.extra?.['holdId'];
  if (typeof holdId !== 'string' || chance.happens(0.4)) return null;
  return book(visitor, holdId);
}

function choiceOf(processor: Processor, chance: Chance): PaymentChoice {
  if (processor === 'paypal') return ORDER;
  if (processor === 'btcpay') return CRYPTO;
  return card(chance.pick(CARDS));
}

/** What the payer does at the processor, if anything. */
async function payerActs(visitor: Visitor, { id }: BookingView): Promise<void> {
  const { world, chance } = visitor;
  const ref = refOf(world, id);
  if (ref === null || chance.happens(0.1)) return;
  if (chance.happens(0.15)) await world.tick(1 + chance.below(6));
  switch (world.processor) {
    case 'stripe':
      return payByCard(visitor, ref);
    case 'paypal':
      return approveOrder(visitor, ref);
    case 'btcpay':
      return pushMoney(visitor, ref);
  }
}

async function payByCard({ world, chance }: Visitor, ref: string): Promise<void> {
  const paymentMethod = chance.pick(CARDS);
  const hasEntered = await world.act(ref, {
    action: 'approve',
    ...(paymentMethod === null ? {} : { paymentMethod }),
  });
  if (hasEntered) world.note('a payer entered a card');
  if (chance.happens(0.2)) await world.tick();
  const action = chance.happens(0.8) ? 'authenticate' : 'fail';
  if (await world.act(ref, { action })) world.note(`a payer did ${action}`);
}

async function approveOrder({ world, chance }: Visitor, ref: string): Promise<void> {
  if (chance.happens(0.1)) await world.act(ref, { action: 'decline' });
  const paymentMethod = chance.pick(PAYERS);
  if (await world.act(ref, { action: 'approve', paymentMethod }))
    world.note('an order was approved');
}

async function pushMoney({ world, chance }: Visitor, ref: string): Promise<void> {
  const amounts = chance.pick([
    [PRICE_MINOR],
    [PRICE_MINOR],
    [PRICE_MINOR],
    [PRICE_MINOR],
    [1_000],
    [1_000, 1_500],
    [3_100],
    [PRICE_MINOR, 400],
  ]);
  for (const amount of amounts) {
    const paymentMethod = chance.pick(['BTC-CHAIN', 'BTC-CHAIN', 'BTC-LN']);
    if (await world.act(ref, { action: 'pay', amount, paymentMethod }))
      world.note('money was pushed');
    if (chance.happens(0.3)) await world.tick(1 + chance.below(3));
  }
  if (chance.happens(0.5)) {
    const action = chance.happens(0.9) ? 'confirm' : 'fail';
    if (await world.act(ref, { action })) world.note(`pushed money: ${action}`);
  }
}

/** The client asks how it stands. */
async function look({ world, by }: Visitor, { id }: BookingView): Promise<void> {
  await world.dare(() => confirmPayment(world.ports, { caller: customer(by), bookingId: id }));
}

async function aftermath(visitor: Visitor, { id, holdId }: BookingView): Promise<void> {
  const { world, chance, by } = visitor;
  const fingerprint = world.shop.freshKey();
  const call = { key: fingerprint, fingerprint };
  const deed = chance.pick([
    async () => {
      const caller = chance.happens(0.3) ? OWNER : customer(by);
      const command = { caller, call, bookingId: id, reason: null };
      const reply = await world.ask(() => cancelWithRefund(world.ports, command));
      if (reply?.ok === true) world.note('a booking was cancelled');
    },
    async () => {
      const amount = chance.pick([null, { amount: 700, currency: 'usd' }]);
      const command = { caller: OWNER, call, bookingId: id, amount, reason: 'goodwill' };
      const reply = await world.ask(() => refundBooking(world.ports, command));
      if (reply?.ok === true) world.note('the seller gave money back');
    },
    () => world.dare(() => giveUpHold(world.ports, { caller: customer(by), holdId })),
    () => dispute(visitor, id),
    () => refundByHand(visitor, id),
  ]);
  await deed();
}

/** Only at PayPal a payer objects at will; at Stripe the card decides it when it is charged. */
async function dispute({ world, chance }: Visitor, bookingId: string): Promise<void> {
  const ref = refOf(world, bookingId);
  if (ref === null || world.processor !== 'paypal') return;
  const paymentMethod = chance.pick(['payer_dispute', 'payer_inquiry']);
  if (await world.act(ref, { action: 'dispute', paymentMethod })) world.note('a payer objected');
}

/** Somebody gives money back at the processor, and we are not asked. */
async function refundByHand({ world, chance }: Visitor, bookingId: string): Promise<void> {
  const ref = refOf(world, bookingId);
  if (ref === null || !chance.happens(0.4)) return;
  const refundId = `by-hand-${ref}`;
  const reply = await world.wire.adapter.refund({ key: refundId, ref, amountMinor: 150, refundId });
  // Whoever asked may not have heard the answer: the processor knows.
  world.refundsByHand.push({ ref, refundId });
  if (reply.kind === 'refund') world.note('a refund was made by hand');
}

/** The latest attempt that exists at the processor. */
function refOf(world: WireWorld, bookingId: string): string | null {
  return world.shop.payments(bookingId).findLast(({ ref }) => ref !== null)?.ref ?? null;
}

/** What is under way at the processor comes to its end: pushed money is certain, and refunds are fetched. */
export async function settleThere(world: WireWorld): Promise<void> {
  if (world.processor !== 'btcpay') return;
  const ours = world.shop.shard.sql
    .rows("SELECT ref FROM refund WHERE ref IS NOT NULL AND state = 'pending'")
    .map(({ ref }) => String(ref));
  const theirs = await Promise.all(
    world.refundsByHand.map((asked) => world.wire.adapter.findRefund(asked)),
  );
  const byHand = theirs.flatMap((reply) => (reply.kind === 'refund' ? [reply.refund.ref] : []));
  for (const ref of [...ours, ...byHand]) {
    if (await world.act(ref, { action: 'claim' })) world.note('a refund was fetched');
  }
}
