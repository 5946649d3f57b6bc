/**
 * A new tier is a new row: the product's code names no plan and decides by none. It asks for a feature's value instead.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DEMO_PLANS } from '../../scripts/demo/plans.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A plan, or its id, code, name or group, under any of the names that code gives it. */
const PLAN = String.raw`\b(?:plan(?:Id|Code|Name|Group)|(?:plan|terms|tier)(?:\??\.\w+)*\??\.(?:id|code|name|group)|tier)\b`;
const TEXT = String.raw`['"\`]`;

/** Decisions by a literal plan. */
const BY_NAME: readonly RegExp[] = [
  new RegExp(String.raw`${PLAN}\s*[!=]==?\s*${TEXT}`, 'i'),
  new RegExp(String.raw`${TEXT}\s*[!=]==?\s*[\w.?]*${PLAN}`, 'i'),
  new RegExp(String.raw`switch\s*\([^)]*${PLAN}\)`, 'i'),
  new RegExp(String.raw`${TEXT}[^\]]*\]\.includes\([\w.?]*${PLAN}\)`, 'i'),
  new RegExp(String.raw`${PLAN}\??\.(?:startsWith|endsWith|includes|match)\(`, 'i'),
  /['"`]pln_\w/,
];

const LINES = sources('src');

describe('the product', () => {
  it('names no plan that is sold', () => {
    const codes = DEMO_PLANS.map(({ code }) => code);
    expect(codes.length).toBeGreaterThan(0);
    const named = LINES.filter(({ line }) => codes.some((code) => line.includes(code)));
    expect(named).toEqual([]);
  });

  it('decides nothing by the name of a plan', () => {
    expect(LINES.length).toBeGreaterThan(1_000);
    expect(LINES.filter(({ line }) => isByName(line))).toEqual([]);
  });
});

describe('a decision by name is found, and a decision by data is not', () => {
  it.each([
    "if (planId === 'gold') return;",
    "return verdict.planId !== 'pln_g';",
    "const isGold = plan.code === 'gold';",
    "if (record.terms.name == 'Gold') return;",
    "if ('gold' === subscription.planGroup) return;",
    'switch (plan.code) {',
    "if (['gold', 'silver'].includes(plan.code)) return;",
    "if (planCode.startsWith('gold')) return;",
    "const id = 'pln_gabc';",
  ])('found: %s', (line) => expect(isByName(line)).toBe(true));

  it.each([
    "if (reply.refusal.code !== 'subscription_required') return;",
    'if (owner?.id === id) return;',
    "if (features['access.members'] === true) return;",
    'if (before.planGroup === after.planGroup) return;',
    "const parts = deps.ids.open('pln', id);",
  ])('left alone: %s', (line) => expect(isByName(line)).toBe(false));
});

function isByName(line: string): boolean {
  return BY_NAME.some((pattern) => pattern.test(line));
}

function sources(folder: string): { readonly place: string; readonly line: string }[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(path);
    const lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
    return lines.map((line, index) => ({ place: `${path}:${index + 1}`, line }));
  });
}
