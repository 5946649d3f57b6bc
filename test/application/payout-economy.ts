/**
 * Providers who earn, give back and are charged, and a processor that does with each call what chance says. The test keeps
 * its own account of what everybody should have.
 */
import { expect } from 'vitest';
import { reverseByHand } from '../../src/application/payouts/command-payout.ts';
import type { MovedMoney } from '../../src/domain/ledger/booking-money.ts';
import { DAY_MS, HOUR_MS } from '../../src/domain/time.ts';
import type { Chance } from '../support/fake-clock.ts';
import type { PayoutFault } from '../support/fake-payout-gateway.ts';
import { PayoutWorld } from './payout-world.ts';

export const CURRENCIES = ['usd', 'jpy'] as const;
const PROVIDERS = 3;

const FAULTS: readonly PayoutFault[] = [
  'lost_before',
  'lost_after',
  'late',
  'late',
  'fault',
  'unavailable',
  'misconfigured',
  'refused',
];

/** What happens to a booking, as the ledger is told of it. */
const FACTS = { sell: 'captured', refund: 'refunded', dispute: 'disputed' } as const;
type Trade = keyof typeof FACTS | 'lose';

/** One thing that happens; what `who` and `amount` mean depends on it. */
export interface Happening {
  readonly kind: string;
  readonly who: number;
  readonly amount: number;
}

export class Economy {
  readonly world = new PayoutWorld();
  readonly earned = new Map<string, number>();
  readonly providers: string[] = [];
  readonly #bookings = new Map<
    string,
    { readonly providerId: string; readonly paidMinor: number; readonly returnedMinor: number }
  >();
  readonly #disputes = new Map<
    string,
    Pick<MovedMoney, 'bookingId' | 'providerId' | 'amountMinor'>
  >();
  #commands = 0;

  async open(chance: Chance, faultRate: number): Promise<void> {
    for (let count = 0; count < PROVIDERS; count += 1) {
      this.providers.push(await this.world.provider());
    }
    this.world.gateway.nextFault = () => (chance.happens(faultRate) ? chance.pick(FAULTS) : 'none');
  }

  async take({ kind, who, amount }: Happening): Promise<void> {
    const { world } = this;
    const providerId = this.providers[who % PROVIDERS] ?? '';
    const currency = CURRENCIES[who % CURRENCIES.length] ?? 'usd';
    switch (kind) {
      case 'earn':
        return this.#book(providerId, currency, amount);
      case 'charge':
        return this.#book(providerId, currency, -amount);
      case 'sell':
      case 'refund':
      case 'dispute':
      case 'lose':
        return this.#trade(kind, who, amount);
      case 'crash':
        world.ledger.postFails = amount === 1;
        return;
      case 'reverse': {
        const payouts = [...world.store.payouts.values()];
        const payoutId = payouts[who % Math.max(payouts.length, 1)]?.id ?? 'pot_g';
        const command = { payoutId, actor: 'operator:1', amountMinor: amount };
        await reverseByHand(world.deps, { ...command, key: String((this.#commands += 1)) }).catch(
          () => undefined, // The ledger is down; what was begun goes on with the next run.
        );
        return;
      }
      default:
        await world.run(who === 1);
        world.clock.advance(amount * HOUR_MS);
        if (amount % 5 === 0) world.gateway.arrive();
    }
  }

  /** Nothing goes wrong any more, and time passes. */
  async heal(): Promise<void> {
    const { world } = this;
    world.ledger.postFails = false;
    world.gateway.nextFault = () => 'none';
    world.gateway.arrive();
    for (let day = 0; day < 40; day += 1) {
      await world.run();
      world.clock.advance(DAY_MS / 2);
    }
  }

  expectWhole(): void {
    const { world } = this;
    for (const providerId of this.providers) {
      for (const currency of CURRENCIES) {
        const movedMinor = world.gateway.movedMinor(`acct_${providerId}`, currency);
        const owedMinor = world.ledger.owed(providerId, currency);
        expect(movedMinor + owedMinor).toBe(this.earned.get(`${providerId} ${currency}`) ?? 0);
      }
    }
  }

  /** Everything that went back is decided over, and what was taken back for it is no more than the provider's share. */
  expectRecovered(): void {
    const recoveries = [...this.world.store.recoveries.values()];
    const undecided = recoveries.filter(({ state }) => state === 'open' || state === 'reversing');
    expect(undecided).toEqual([]);
    for (const { reversedMinor, amountMinor, state } of recoveries) {
      expect(reversedMinor).toBeLessThanOrEqual(amountMinor);
      if (state === 'carried') expect(reversedMinor).toBe(0);
    }
    for (const transfer of this.world.gateway.transfers) {
      expect(transfer.reversedMinor).toBeLessThanOrEqual(transfer.amountMinor);
    }
  }

  /**
   * Of no booking more was taken from its provider than went back to its customer: what payouts netted and what reversals
   * brought back, less what later payouts gave for that.
   */
  expectNothingTwice(): void {
    const { ledger, store } = this.world;
    for (const [bookingId, { providerId, returnedMinor }] of this.#bookings) {
      let takenMinor = 0;
      for (const { id, amountMinor } of ledger.linesOf(bookingId, providerId)) {
        const isReversal = id.startsWith('transfer_reversed:');
        if (isReversal) takenMinor += amountMinor;
        if (store.isStated(id) && (isReversal || amountMinor < 0)) takenMinor -= amountMinor;
      }
      expect(takenMinor, bookingId).toBeLessThanOrEqual(returnedMinor);
    }
  }

  /** A booking is bought, given back in part, objected to, and the objection won by the customer. */
  async #trade(kind: Trade, who: number, amount: number): Promise<void> {
    if (this.world.ledger.postFails) return;
    const bookingId = `bkg_${who}`;
    const providerId = this.providers[who % PROVIDERS] ?? '';
    const known = this.#bookings.get(bookingId) ?? { providerId, paidMinor: 0, returnedMinor: 0 };
    const lost = this.#disputes.get(bookingId);
    if (kind === 'lose') {
      this.#disputes.delete(bookingId);
      if (lost !== undefined) await this.#tell('dispute_lost', lost);
      return;
    }
    const isSale = kind === 'sell';
    const amountMinor = isSale ? amount : Math.min(amount, known.paidMinor);
    if (amountMinor === 0 || (kind === 'dispute' && lost !== undefined)) return;
    const told = { bookingId, providerId, amountMinor };
    if (kind === 'dispute') this.#disputes.set(bookingId, told);
    const shareMinor = amountMinor - Math.floor(amountMinor / 10);
    this.#bookings.set(bookingId, {
      providerId,
      paidMinor: known.paidMinor + (isSale ? amountMinor : -amountMinor),
      returnedMinor: known.returnedMinor + (isSale ? 0 : shareMinor),
    });
    this.#earn(`${providerId} usd`, isSale ? shareMinor : -shareMinor);
    await this.#tell(FACTS[kind], told);
  }

  #tell(
    kind: MovedMoney['kind'],
    told: Pick<MovedMoney, 'bookingId' | 'providerId' | 'amountMinor'>,
  ): Promise<void> {
    const commissionMinor = Math.floor(told.amountMinor / 10);
    return this.world.tell({ kind, ...told, commissionMinor });
  }

  #earn(key: string, amountMinor: number): void {
    this.earned.set(key, (this.earned.get(key) ?? 0) + amountMinor);
  }

  async #book(providerId: string, currency: string, amountMinor: number): Promise<void> {
    if (this.world.ledger.postFails) return;
    this.#earn(`${providerId} ${currency}`, amountMinor);
    await this.world.earn(providerId, amountMinor, { currency });
  }
}
