/** The page behind a problem's `type`: what the code means and what to do, from the table that answers it. */
import { PROBLEMS, type ProblemCode } from '../problem.ts';
import { escapeHtml, renderPage, renderProse } from './page.ts';

/** One code. */
export function renderProblemPage(code: ProblemCode): string {
  const { status, title, meaning } = PROBLEMS[code];
  return renderPage({
    title: `${code} - Holdfast`,
    body: `<h1>${escapeHtml(title)}</h1>
<p><code>${code}</code>, HTTP status ${status}</p>
<p>${renderProse(meaning)}</p>
<p><a href="/docs#problems">All codes</a></p>`,
  });
}

/** Every code, in order of precedence. */
export function renderProblemTable(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, meaning }]) =>
      `<tr><td>${status}</td><td><a href="/problems/${code}"><code>${code}</code></a></td><td>${renderProse(meaning)}</td></tr>`,
  );
  return `<table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}
