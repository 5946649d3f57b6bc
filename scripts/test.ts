/**
 * `npm test`: everything that a change must pass, in order of cost. All of it runs even if something fails early,
 * so that one run tells all. The last line is the figure; a check that is not in order counts as one failure.
 */
import { runStaticChecks } from './checks/static-checks.ts';
import { runVitest, sum } from './checks/vitest-run.ts';
import type { Tally } from './checks/vitest-run.ts';

const PROJECTS = ['unit', 'simulators', 'simulation', 'workers', 'e2e'] as const;

const broken = await runStaticChecks();
const tallies: Tally[] = [];
for (const project of PROJECTS) tallies.push(await runVitest(project));
const { passed, failed } = sum([...tallies, { passed: 0, failed: broken.length }]);
if (broken.length > 0) console.log(`\nNot in order: ${broken.join(', ')}.`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
