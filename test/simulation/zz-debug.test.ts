import { test } from 'vitest';
import { World } from './world.ts';
test('debug', async () => {
  const world = await World.open(Number(process.env['SIM_SEED']));
  try { for (let i = 0; i < 140; i++) await world.step(); await world.heal(); } catch (e) { console.log('ERR', e); }
  const { sql, store } = world.shop.shard;
  for (const f of world.failures) console.log('FAIL', f);
  const bad = sql.rows(`SELECT DISTINCT booking_id FROM operation WHERE state IN ('requested','pending','unknown') UNION SELECT id FROM booking WHERE state IN ('pending','confirming') UNION SELECT booking_id FROM payment WHERE state IN ('created','action_required','pending','authorized','capturing') UNION SELECT booking_id FROM refund WHERE state IN ('requested','pending','failed')`);
  for (const { booking_id } of bad) {
    const id = String(booking_id);
    console.log(JSON.stringify(store.booking(id)?.state), store.hold(store.booking(id)?.holdId ?? '')?.state);
    for (const p of store.paymentsOf(id)) { console.log(JSON.stringify({...p, id: p.id.slice(-6)})); for (const o of store.operationsOf(p.id)) console.log('   op', o.kind, o.seq, o.state, o.lostTo, o.errorCode, o.leaseUntilMs, o.createdAtMs);
      if (p.ref) console.log('   obj', JSON.stringify(world.processors.find((x) => x.processor === p.processor)?.objects.get(p.ref))); }
    console.log(JSON.stringify(store.refundsOf(id)));
    for (const e of sql.rows('SELECT * FROM chain_event WHERE entity_id=? OR parent_id=? ORDER BY seq', id, id)) console.log(e['at_ms'], e['type'], e['from_state'], e['reason'], e['actor']);
  }
  console.log(world.shop.clock.nowMs());
  console.log(world.shop.stripe.calls.slice(-12), world.shop.btcpay.calls.slice(-12));
});
