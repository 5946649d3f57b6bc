/**
 * What saved methods promise, over any store: on Node over the one in memory, in workerd over D1. The processor is the one
 * in memory; adapters have a contract of their own.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  addMethod,
  confirmMethod,
  listMethods,
  removeMethod,
  type AddMethod,
  type OwnMethod,
} from '../../src/application/payment-methods/manage-methods.ts';
import type {
  MethodDeps,
  PaymentMethodStore,
} from '../../src/application/payment-methods/method-ports.ts';
import { resolveMethod } from '../../src/application/payment-methods/resolve-method.ts';
import { sweepMethods } from '../../src/application/payment-methods/sweep-methods.ts';
import type { IdCodec } from '../../src/application/ports.ts';
import type { Caller } from '../../src/contracts/calls.ts';
import type { Processor } from '../../src/domain/payment/processor-reply.ts';
import type { Result } from '../../src/domain/result.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { systemDigest } from '../../src/platform/digest.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeProcessor } from './fake-processor.ts';
import { METHODS } from './fake-processor-model.ts';

/** What the suite's user supplies. */
export interface SavedMethodWorld {
  readonly ids: IdCodec;
  readonly store: PaymentMethodStore;
  /** Makes a live subscription of the member that is paid with a token. */
  subscribeWith(userId: string, methodRef: string): Promise<void>;
  /** Types of a method's events, in order. */
  trail(id: string): Promise<string[]>;
}

let keys = 0;

class Rig {
  readonly clock = new FakeClock();
  readonly stripe = new FakeProcessor(this.clock);
  readonly btcpay = new FakeProcessor(this.clock, 'btcpay');
  readonly ann: Caller;
  readonly bob: Caller;
  readonly deps: MethodDeps;

  constructor(world: SavedMethodWorld) {
    const { ids } = world;
    this.ann = { id: ids.mintInRegion('usr', 'global'), roles: ['customer'] };
    this.bob = { id: ids.mintInRegion('usr', 'global'), roles: ['customer'] };
    this.deps = {
      clock: this.clock,
      ids,
      digest: systemDigest,
      gateways: {
        get: (name) => this.deps.gateways.all().find(({ processor }) => processor === name) ?? null,
        all: () => [this.stripe, this.btcpay],
      },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      // What other tests left in the other region is none of this one's.
      methods: (region) => (region === 'global' ? world.store : EMPTY),
    };
  }

  get kept() {
    return this.stripe.recurring.kept;
  }

  add(wish: Partial<AddMethod> = {}, more: { by?: Caller; key?: string } = {}) {
    keys += 1;
    const { by = this.ann, key = `k${keys}` } = more;
    const wanted = {
      processor: 'stripe' as Processor,
      paymentMethod: `pm_card_${keys}`,
      returnUrl: null,
      isDefault: false,
      ...wish,
    };
    return addMethod(this.deps, { caller: by, call: { key, fingerprint: key } }, wanted);
  }

  async mustAdd(wish: Partial<AddMethod> = {}): Promise<OwnMethod> {
    return valueOf(await this.add(wish));
  }

  async list(caller = this.ann): Promise<OwnMethod[]> {
    return valueOf(await listMethods(this.deps, { caller, cursor: undefined, limit: 100 })).data;
  }

  remove(id: string, caller = this.ann) {
    return removeMethod(this.deps, { caller, id });
  }

  confirm(id: string, caller = this.ann) {
    return confirmMethod(this.deps, { caller, id });
  }

  resolve(id: string, wish: { by?: Caller; processor?: Processor } = {}) {
    const { by = this.ann, processor = 'stripe' } = wish;
    return resolveMethod(this.deps, by, { processor, paymentMethod: id, returnUrl: null });
  }

  sweep(byHand = false) {
    return sweepMethods(this.deps, { byHand });
  }
}

const EMPTY = { due: async () => [] } as unknown as PaymentMethodStore;

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
  return result.value;
}

function codeOf(result: Result<unknown>): string {
  return result.ok ? 'ok' : result.refusal.code;
}

export function describeSavedMethods(name: string, open: () => Promise<SavedMethodWorld>): void {
  describe(`saved methods: ${name}`, () => {
    let world: SavedMethodWorld;
    let rig: Rig;
    beforeEach(async () => {
      world = await open();
      rig = new Rig(world);
    });

    it('are kept with the customer, and show what their owner knows them by', async () => {
      const { method, isDefault } = await rig.mustAdd();
      expect(method).toMatchObject({
        state: 'active',
        kind: 'card',
        brand: 'visa',
        last4: '4242',
        expiresMonth: 12,
        dueAtMs: null,
        action: null,
      });
      expect(isDefault).toBe(true);
      expect(rig.kept.get(method.methodRef ?? '')?.customerRef).toBe(method.customerRef);
      expect(await world.trail(method.id)).toEqual([
        'payment_method.pending',
        'payment_method.active',
      ]);
    });

    it('belong to one customer at the processor, however many there are', async () => {
      await rig.mustAdd();
      await rig.mustAdd();
      expect(rig.stripe.recurring.customers).toHaveLength(1);
    });

    it('are one where a token is named twice, under one key or two, also at once', async () => {
      const wish = { paymentMethod: 'pm_card_twice' };
      const [first, again] = await Promise.all([
        rig.add(wish, { key: 'same' }),
        rig.add(wish, { key: 'same' }),
      ]);
      const other = await rig.add(wish);
      const found = [first, again, other].map((result) => valueOf(result).method.id);
      expect(new Set(found).size).toBe(1);
      expect(await rig.list()).toHaveLength(1);
      expect(rig.kept.size).toBe(1);
    });

    it('are one where the processor’s own token is named again', async () => {
      const { method } = await rig.mustAdd();
      const again = await rig.mustAdd({ paymentMethod: method.methodRef });
      expect(again.method.id).toBe(method.id);
    });

    it('are listed newest first, page by page, and for nobody else', async () => {
      const made: string[] = [];
      for (let count = 0; count < 3; count += 1) {
        made.unshift((await rig.mustAdd()).method.id);
        rig.clock.advance(MINUTE_MS);
      }
      expect((await rig.list()).map(({ method }) => method.id)).toEqual(made);
      const page = { caller: rig.ann, limit: 2 };
      const first = valueOf(await listMethods(rig.deps, { ...page, cursor: undefined }));
      expect(first.data).toHaveLength(2);
      const cursor = first.nextCursor ?? '';
      const rest = valueOf(await listMethods(rig.deps, { ...page, cursor }));
      expect(rest.data.map(({ method }) => method.id)).toEqual(made.slice(2));
      expect(rest.nextCursor).toBeNull();
      expect(await rig.list(rig.bob)).toEqual([]);
      expect(codeOf(await listMethods(rig.deps, { ...page, cursor: 'made-up' }))).toBe(
        'validation_failed',
      );
    });

    it('propose the one that their owner said last, else the oldest', async () => {
      const first = await rig.mustAdd();
      rig.clock.advance(MINUTE_MS);
      const second = await rig.mustAdd();
      expect([first.isDefault, second.isDefault]).toEqual([true, false]);
      const third = await rig.mustAdd({ isDefault: true });
      expect(third.isDefault).toBe(true);
      rig.clock.advance(MINUTE_MS);
      const chosen = await rig.mustAdd({
        paymentMethod: second.method.offered,
        isDefault: true,
      });
      expect(chosen).toMatchObject({ isDefault: true, method: { id: second.method.id } });
      await rig.remove(second.method.id);
      const [proposed] = (await rig.list()).filter(({ isDefault }) => isDefault);
      expect(proposed?.method.id).toBe(third.method.id);
    });

    it('are limited, so that nobody tries out cards here', async () => {
      for (let count = 0; count < 20; count += 1) await rig.mustAdd();
      expect(codeOf(await rig.add())).toBe('customer_limit_reached');
      const [newest] = await rig.list();
      await rig.remove(newest?.method.id ?? '');
      expect(codeOf(await rig.add())).toBe('ok');
    });

    it('that are declined are not kept, and may be tried again', async () => {
      const wish = { paymentMethod: METHODS.declines };
      const refused = await rig.add(wish, { key: 'declined' });
      expect(refused).toMatchObject({
        refusal: { code: 'payment_declined', extra: { declineCode: 'card_declined' } },
      });
      expect(await rig.add(wish, { key: 'declined' })).toEqual(refused);
      expect(codeOf(await rig.add(wish))).toBe('payment_declined');
      expect(await rig.list()).toEqual([]);
      expect(rig.kept.size).toBe(0);
    });

    it('wait for a payer whose bank wants them, and ask the processor how that went', async () => {
      const { method } = await rig.mustAdd({ paymentMethod: METHODS.asksPayer });
      expect(method).toMatchObject({ state: 'pending', action: { type: 'redirect' } });
      expect(codeOf(await rig.resolve(method.id))).toBe('not_found');
      expect(await rig.confirm(method.id)).toMatchObject({
        refusal: { code: 'payment_incomplete', extra: { action: { type: 'redirect' } } },
      });
      rig.stripe.recurring.payerKeeps(method.setupRef ?? '');
      expect(valueOf(await rig.confirm(method.id)).method).toMatchObject({
        state: 'active',
        action: null,
      });
    });

    it('that a payer fails to agree to are refused', async () => {
      const { method } = await rig.mustAdd({ paymentMethod: METHODS.asksPayer });
      rig.stripe.recurring.payerFailsSetup(method.setupRef ?? '');
      expect(codeOf(await rig.confirm(method.id))).toBe('payment_declined');
      expect(await rig.list()).toEqual([]);
    });

    it('without a token are chosen by the payer with the processor', async () => {
      const { method } = await rig.mustAdd({ paymentMethod: null });
      expect(method).toMatchObject({ state: 'pending', action: { type: 'sdk' } });
      rig.stripe.recurring.payerKeeps(method.setupRef ?? '');
      expect(codeOf(await rig.confirm(method.id))).toBe('ok');
    });

    it('are refused where the processor keeps none', async () => {
      for (const processor of ['btcpay', 'paypal'] as const)
        expect(codeOf(await rig.add({ processor }))).toBe('processor_not_supported');
    });

    it.each(['lost_before', 'lost_after', 'fault_before', 'fault_after', 'busy'] as const)(
      'come out once when each call in turn is %s, and the call is repeated',
      async (fault) => {
        for (const kind of [
          'customer',
          'open_setup',
          'confirm_setup',
          'describe_method',
        ] as const) {
          let isBroken = true;
          rig.stripe.faultFor = (call) => {
            const isHit = isBroken && call.kind === kind;
            if (isHit) isBroken = false;
            return isHit ? fault : null;
          };
          const wish = { paymentMethod: `pm_card_${fault}_${kind}` };
          const keyed = { key: `${fault}-${kind}` };
          await rig.add(wish, keyed);
          const { method } = valueOf(await rig.add(wish, keyed));
          expect(method.state, kind).toBe('active');
        }
        expect(await rig.list()).toHaveLength(4);
        expect(rig.kept.size).toBe(4);
      },
    );

    it('that the caller never heard of are finished by the sweep', async () => {
      rig.stripe.faultFor = ({ kind }) => (kind === 'confirm_setup' ? 'lost_after' : null);
      expect(codeOf(await rig.add())).toBe('processor_unavailable');
      rig.stripe.faultFor = () => null;
      await rig.sweep();
      rig.clock.advance(HOUR_MS);
      await rig.sweep();
      expect((await rig.list()).map(({ method }) => method.state)).toEqual(['active']);
    });

    it('that nobody came for are given up at the processor after a day', async () => {
      const { method } = await rig.mustAdd({ paymentMethod: METHODS.asksPayer });
      rig.clock.advance(DAY_MS - MINUTE_MS);
      await rig.sweep();
      expect(await rig.list()).toHaveLength(1);
      rig.clock.advance(2 * MINUTE_MS);
      await rig.sweep();
      expect(await rig.list()).toEqual([]);
      expect(rig.stripe.recurring.setupOf(method.setupRef ?? '').state).toBe('cancelled');
      expect((await world.trail(method.id)).at(-1)).toBe('payment_method.removed');
    });

    it('pay with the token and the customer of their owner, and of nobody else', async () => {
      const { method } = await rig.mustAdd();
      expect(valueOf(await rig.resolve(method.id))).toEqual({
        processor: 'stripe',
        paymentMethod: method.methodRef,
        customerRef: method.customerRef,
        returnUrl: null,
      });
      expect(codeOf(await rig.resolve(method.id, { by: rig.bob }))).toBe('not_found');
      expect(codeOf(await rig.resolve(method.id, { processor: 'paypal' }))).toBe(
        'validation_failed',
      );
      expect(codeOf(await rig.resolve('pmt_made_up'))).toBe('not_found');
      const token = valueOf(await rig.resolve('pm_card_visa'));
      expect(token).toEqual({
        processor: 'stripe',
        paymentMethod: 'pm_card_visa',
        returnUrl: null,
      });
    });

    it('are let go of at the processor, leave nothing behind, and go twice like once', async () => {
      const { method } = await rig.mustAdd();
      expect(codeOf(await rig.remove(method.id, rig.bob))).toBe('not_found');
      expect(codeOf(await rig.remove(method.id))).toBe('ok');
      expect(codeOf(await rig.remove(method.id))).toBe('ok');
      expect(await rig.list()).toEqual([]);
      expect(rig.kept.size).toBe(0);
      expect(await world.store.byId(method.id)).toMatchObject({
        state: 'removed',
        offered: null,
        methodRef: null,
        last4: null,
        dueAtMs: null,
      });
      expect(codeOf(await rig.resolve(method.id))).toBe('not_found');
      expect(codeOf(await rig.confirm(method.id))).toBe('not_found');
      expect((await world.trail(method.id)).slice(2)).toEqual([
        'payment_method.removing',
        'payment_method.removed',
      ]);
    });

    it.each(['lost_before', 'lost_after', 'fault_before', 'fault_after', 'busy'] as const)(
      'are gone for their owner at once, and let go of by the sweep when the call is %s',
      async (fault) => {
        const { method } = await rig.mustAdd();
        let hits = 0;
        rig.stripe.faultFor = ({ kind }) => (kind === 'detach_method' && hits++ < 2 ? fault : null);
        expect(codeOf(await rig.remove(method.id))).toBe('ok');
        expect(await rig.list()).toEqual([]);
        expect(codeOf(await rig.resolve(method.id))).toBe('not_found');
        for (let pass = 0; pass < 3; pass += 1) {
          rig.clock.advance(HOUR_MS);
          await rig.sweep();
        }
        expect(rig.kept.size).toBe(0);
        expect((await world.store.byId(method.id))?.state).toBe('removed');
      },
    );

    it('are let go of where they are removed before their payer has agreed', async () => {
      const { method } = await rig.mustAdd({ paymentMethod: METHODS.asksPayer });
      const ref = method.setupRef ?? '';
      rig.stripe.recurring.payerKeeps(ref);
      expect(codeOf(await rig.remove(method.id))).toBe('ok');
      expect(rig.kept.size).toBe(0);
      expect((await world.store.byId(method.id))?.state).toBe('removed');
    });

    it('stay while a live subscription is paid with them', async () => {
      const { method } = await rig.mustAdd();
      await world.subscribeWith(rig.ann.id, method.methodRef ?? '');
      expect(codeOf(await rig.remove(method.id))).toBe('invalid_transition');
      expect(await rig.list()).toHaveLength(1);
      expect(rig.kept.size).toBe(1);
    });
  });
}
