/** `npm run check`: what every change must pass before it is shown to anybody; under a minute. */
import { runStaticChecks } from './checks/static-checks.ts';
import { runVitest } from './checks/vitest-run.ts';

const broken = await runStaticChecks();
const { passed, failed } = await runVitest('unit');
console.log(broken.length === 0 ? '' : `\nNot in order: ${broken.join(', ')}.`);
console.log(`${passed} passed, ${failed + broken.length} failed`);
process.exit(failed + broken.length === 0 ? 0 : 1);
