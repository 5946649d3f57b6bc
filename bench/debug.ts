import { mkdtempSync } from 'node:fs';
import { buildWorker, bundle } from '../scripts/local/build-worker.ts';
import { makeKeys } from '../scripts/local/keys.ts';
import { openShop } from './prepare.ts';
import { startProduct } from './runtime/workerd.ts';
import { WORKLOADS, requestsOf } from './workloads.ts';
import { drive } from './load/drive.ts';
const worker = await buildWorker(); const out = mkdtempSync('/tmp/hfb-'); await bundle(out, process.env.MIN === '0' ? [] : ['--minify']);
const keys = makeKeys();
const w = WORKLOADS[Number(process.argv[2] ?? 0)]!;
const vars = Object.fromEntries(Object.entries((worker.options as any).bindings).filter(([, v]) => typeof v === 'string')) as any;
const t0 = performance.now();
const running = await startProduct({ bundleFile: out + '/index.js', compatibilityDate: '2026-11-02', hasConsumers: process.env.CONS !== '0', variables: { ...vars, ...keys, ENVIRONMENT: 'local', PUBLIC_URL: 'http://bench.local', RATE_LIMITS: 'off', HOLDS_PER_PRINCIPAL: '1000000' } });
console.log('start', performance.now() - t0); const t1 = performance.now();
const shop = await openShop(running, { idSecret: keys.ID_SECRET, signingKey: JSON.parse(keys.TOKEN_SIGNING_KEYS)[0], issuer: 'http://bench.local', migrations: worker.migrations, slotCount: 12000, customerCount: 200, priceMinor: w.priceMinor });
console.log('shop', performance.now() - t1);
const take = requestsOf(w, shop);
for (const rate of [100, 100, 200, 300, 300, 500, 700, 1000, 1400, 2000]) {
  const c0 = running.cpuSeconds();
  const r = await drive({ port: running.port, ratePerSecond: rate, requests: take(rate * 2), connections: 128, graceMs: 2000 });
  console.log(rate, 'good', r.goodputPerSecond.toFixed(0), JSON.stringify(r.statuses), 'un', r.unanswered, 'p50', r.latencyMs.p50.toFixed(1), 'p99', r.latencyMs.p99.toFixed(1), 'cpu us', (((running.cpuSeconds() - c0) * 1e6) / r.answered).toFixed(0));
}
await running.stop();
