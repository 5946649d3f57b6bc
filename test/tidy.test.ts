/**
 * Rules of the repository that no linter knows. Each failure names the file and the line, so that it can be mended
 * without reading this test.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const SELF = 'test/tidy.test.ts';

/** Files that are tracked or would be: what is ignored is nobody's business. */
const FILES = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '' && path !== SELF && path !== 'package-lock.json');

const TEXT = /\.(ts|md|json|toml|sql|sh|yml)$|^\.ci\/run$/;
const SOURCE = FILES.filter((path) => /^(src|simulators|scripts|bench|test)\/.*\.ts$/.test(path));
const PRODUCT = SOURCE.filter((path) => path.startsWith('src/'));

describe('the repository', () => {
  it('leaves nothing open: what is not done is not hinted at in a comment', () => {
    expect(linesWith(SOURCE, /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  it('runs every test that it has', () => {
    const tests = SOURCE.filter((path) => path.startsWith('test/'));
    const switchedOff =
      /\b(it|test|describe)\.(only|skip|todo|fails|skipIf|runIf)\b|\bx(it|describe)\(/;
    expect(linesWith(tests, switchedOff)).toEqual([]);
    expect(tests.filter((path) => /(skip|disabled|todo)/i.test(basename(path)))).toEqual([]);
  });

  it('names no place of one machine and nothing outside of itself', () => {
    const texts = FILES.filter((path) => TEXT.test(path) && !path.startsWith('docs/reference/'));
    expect(linesWith(texts, /(^|[\s'"`(=])\/(home|Users|root|work|mnt)\/\w/)).toEqual([]);
    const outside = texts.flatMap((path) => {
      const depth = path.split('/').length - 1;
      return linesWith([path], new RegExp(`(\\.\\./){${depth + 1},}`));
    });
    expect(outside).toEqual([]);
  });

  it('numbers its migrations without a gap or a twin, and says what each is for', () => {
    const names = readdirSync(join(ROOT, 'migrations')).filter((name) => name.endsWith('.sql'));
    const numbers = names.map((name) => Number(name.slice(0, 4))).toSorted((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(names.filter((name) => !/^\d{4}_[a-z]+(_[a-z0-9]+)+\.sql$/.test(name))).toEqual([]);
    const silent = names.filter((name) => !read(join('migrations', name)).startsWith('-- '));
    expect(silent).toEqual([]);
  });

  it('links in its documents to files that are there', () => {
    const broken = FILES.filter((path) => path.endsWith('.md')).flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^(https?|mailto):/.test(target))
        .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('opens every source file with a header that says what it owns', () => {
    const header = /^(#!.*\n)?(\/\*\*[\s\S]|\/\/ )/;
    expect(SOURCE.filter((path) => !header.test(read(path)))).toEqual([]);
  });

  it('has no barrels: an import names the file that it is about', () => {
    const entries = new Set(['src/worker/index.ts', 'simulators/index.ts']);
    const barrels = SOURCE.filter((path) => basename(path) === 'index.ts' && !entries.has(path));
    expect(barrels).toEqual([]);
    expect(linesWith(PRODUCT, /^export \* from/)).toEqual([]);
  });

  it('has no files that are named for nothing in particular', () => {
    const vague = /(^|-)(utils?|helpers?|misc|manager|stuff)\.ts$/;
    expect(SOURCE.filter((path) => vague.test(basename(path)))).toEqual([]);
  });

  it('writes a status nowhere but where a machine was stepped', () => {
    // A literal on the right is a state that somebody chose by hand instead of asking the table.
    const byHand = /\.(status|state)\s*=\s*['"`]/;
    const files = PRODUCT.filter((path) => !path.endsWith('-machine.ts'));
    expect(linesWith(files, byHand)).toEqual([]);
  });

  it('tells a newcomer the two commands that matter, as they are', () => {
    const lines = read('README.md')
      .split('\n')
      .map((line) => line.trim());
    expect(lines).toContain('npm ci && npm start');
    expect(lines).toContain('npm ci && npm test');
  });
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function linesWith(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
}
