/**
 * Contract of a payment gateway, part five: money that the payer sends, where nothing is reserved first.
 * Protects: what was sent is told to the minor unit, too little and too late included. Run by payment-gateway.case.ts.
 */
import { describe, expect } from 'vitest';
import {
  AMOUNT,
  fetched,
  movementsOf,
  newKey,
  open,
  paymentOf,
  promisesOf,
  pushed,
  pushHands,
  type Contract,
} from './payment-gateway-subject.ts';

/** Every sum at every time. */
export function describePushing(contract: Contract): void {
  describe('money that is sent', () => {
    describeSums(contract);
    describeTimes(contract);
  });
}

function describeSums(contract: Contract): void {
  const promise = promisesOf(contract);

  promise('is pending until it is certain, and captured then', async () => {
    const { ref } = await open(contract);
    await pushHands(contract).pay(ref, AMOUNT);
    expect(await fetched(contract, ref)).toMatchObject({ state: 'pending', capturedMinor: 0 });
    await pushHands(contract).settle(ref);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'captured',
      amountMinor: AMOUNT,
      authorizedMinor: AMOUNT,
      capturedMinor: AMOUNT,
      feeMinor: 0,
      action: null,
    });
    expect(await movementsOf(contract, ref, 'capture')).toMatchObject([{ amount: AMOUNT }]);
  });

  promise('leaves the payment open while it is too little', async () => {
    const { ref } = await open(contract);
    await pushHands(contract).pay(ref, 5_000);
    await pushHands(contract).settle(ref);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'action_required',
      action: { type: 'redirect' },
    });
    await pushHands(contract).pay(ref, AMOUNT - 5_000);
    await pushHands(contract).settle(ref);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'captured',
      capturedMinor: AMOUNT,
    });
  });

  promise('is told as it was received when it was too little at the end', async () => {
    const { ref } = await open(contract);
    await pushHands(contract).pay(ref, 5_000);
    await pushHands(contract).settle(ref);
    await contract.harness.advanceSeconds(pushHands(contract).expirySeconds + 60);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'captured',
      amountMinor: AMOUNT,
      capturedMinor: 5_000,
    });
  });

  promise('is told as it was received when it was too much', async () => {
    const ref = await pushed(contract, AMOUNT + 777);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'captured',
      amountMinor: AMOUNT,
      capturedMinor: AMOUNT + 777,
    });
  });

  promise('is never asked for by us', async () => {
    const { ref } = await open(contract);
    const { gateway } = contract;
    const already = { kind: 'already_done' };
    expect(await gateway.capture({ key: newKey(), ref, amountMinor: AMOUNT })).toEqual(already);
    const authorize = { key: newKey(), ref, paymentMethod: '', returnUrl: null };
    expect(await gateway.authorize(authorize)).toEqual(already);
    expect((await fetched(contract, ref)).state).toBe('action_required');
  });
}

function describeTimes(contract: Contract): void {
  const promise = promisesOf(contract);

  promise('has expired when none came in time', async () => {
    const { ref } = await open(contract);
    await contract.harness.advanceSeconds(pushHands(contract).expirySeconds + 60);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'expired',
      capturedMinor: 0,
      action: null,
    });
  });

  promise('is captured when it came too late', async () => {
    const { ref } = await open(contract);
    await contract.harness.advanceSeconds(pushHands(contract).expirySeconds + 60);
    await pushHands(contract).pay(ref, AMOUNT);
    expect((await fetched(contract, ref)).state).toBe('pending');
    await pushHands(contract).settle(ref);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'captured',
      capturedMinor: AMOUNT,
    });
  });

  promise('is captured when it came after we had ended the payment', async () => {
    const { ref } = await open(contract);
    paymentOf(await contract.gateway.void({ key: newKey(), ref }));
    await pushHands(contract).pay(ref, AMOUNT);
    await pushHands(contract).settle(ref);
    expect(await fetched(contract, ref)).toMatchObject({
      state: 'captured',
      capturedMinor: AMOUNT,
    });
  });

  promise('is not ended by us while it is on its way', async () => {
    const { ref } = await open(contract);
    await pushHands(contract).pay(ref, AMOUNT);
    expect(await contract.gateway.void({ key: newKey(), ref })).toEqual({ kind: 'already_done' });
    await pushHands(contract).settle(ref);
    expect((await fetched(contract, ref)).state).toBe('captured');
  });
}

/** What is said of a void when the wire is broken: the only call of ours that ends such a payment. */
export function describeFailingToPush(contract: Contract): void {
  const promise = promisesOf(contract);
  describe('failing calls', () => {
    promise(
      'time-out before the effect: nobody knows, the fetch shows that nothing was done',
      async () => {
        const { ref } = await open(contract);
        await contract.harness.setFault('void', 'timeout_before');
        expect((await contract.gateway.void({ key: newKey(), ref })).kind).toBe('no_answer');
        expect((await fetched(contract, ref)).state).toBe('action_required');
        expect(paymentOf(await contract.gateway.void({ key: newKey(), ref })).state).toBe('voided');
      },
    );

    promise(
      'time-out after the effect: nobody knows, the fetch shows that it was done',
      async () => {
        const { ref } = await open(contract);
        await contract.harness.setFault('void', 'timeout_after');
        expect((await contract.gateway.void({ key: newKey(), ref })).kind).toBe('no_answer');
        expect((await fetched(contract, ref)).state).toBe('voided');
        expect(await contract.gateway.void({ key: newKey(), ref })).toEqual({
          kind: 'already_done',
        });
      },
    );

    promise('an answered 500, a 429 and a reset connection are told apart', async () => {
      const { ref } = await open(contract);
      for (const [fault, kind] of [
        ['http_500', 'server_error'],
        ['http_429', 'unavailable'],
        ['reset', 'no_answer'],
      ] as const) {
        await contract.harness.setFault('void', fault);
        expect((await contract.gateway.void({ key: newKey(), ref })).kind, fault).toBe(kind);
      }
      expect(paymentOf(await contract.gateway.void({ key: newKey(), ref })).state).toBe('voided');
    });
  });
}
