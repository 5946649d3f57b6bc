/** The reference as one page, made of the OpenAPI document: readable without a network and without a script. */
import { escapeHtml, renderPage, renderProse } from './page.ts';
import { renderProblemTable } from './problem-page.ts';

/** As much of an OpenAPI document as the page shows. */
export interface ReferenceDocument {
  readonly info: { readonly title: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content?: Content };
  readonly responses?: Readonly<Record<string, { description: string; content?: Content }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: unknown;
}

type Content = Readonly<Record<string, { readonly schema?: unknown }>>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** The whole reference. */
export function renderReference(document: ReferenceDocument): string {
  const byTag = Map.groupBy(entriesOf(document), ({ operation }) => operation.tags?.[0] ?? 'Other');
  const sections = [...byTag].map(
    ([tag, entries]) => `<h2>${escapeHtml(tag)}</h2>\n${entries.map(renderEntry).join('\n')}`,
  );
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<details id="${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary>${renderJson(schema)}</details>`,
  );
  return renderPage({
    title: `${document.info.title} reference`,
    body: `<h1>${escapeHtml(document.info.title)} reference</h1>
<p>${renderProse(document.info.description ?? '')}</p>
<p>The same as a document for machines: <a href="/openapi.json">/openapi.json</a></p>
${sections.join('\n')}
<h2 id="problems">Problems</h2>
<p class="muted">In order of precedence: when several apply, the first is answered.</p>
${renderProblemTable()}
<h2>Shapes</h2>
${schemas.join('\n')}`,
  });
}

function entriesOf(document: ReferenceDocument): Entry[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => Object.hasOwn(item, method)).map((method) => ({
      method: method.toUpperCase(),
      path,
      operation: item[method] as Operation,
    })),
  );
}

function renderEntry({ method, path, operation }: Entry): string {
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  return `<details><summary><span class="verb">${method}</span> <code>${escapeHtml(path)}</code> <span class="muted">${escapeHtml(operation.summary ?? '')}</span></summary>
<p>${renderProse(operation.description ?? '')}</p>
<p class="muted">${renderAccess(operation)}</p>
${renderParameters(operation.parameters ?? [])}
${body === undefined ? '' : `<h4>Body</h4>${renderJson(body)}`}
<h4>Answers</h4>
${renderAnswers(operation)}
</details>`;
}

function renderAccess({ security = [] }: Operation): string {
  if (security.length === 0) return 'Open to all.';
  const isOptional = security.some((scheme) => Object.keys(scheme).length === 0);
  return isOptional ? 'An access token is used if there is one.' : 'Needs an access token.';
}

function renderParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(place)}${required === true ? ', required' : ''}</td><td>${renderProse(description ?? '')} <code>${escapeHtml(JSON.stringify(schema ?? {}))}</code></td></tr>`,
  );
  return `<h4>Parameters</h4><table><tbody>${rows.join('\n')}</tbody></table>`;
}

function renderAnswers({ responses = {} }: Operation): string {
  const rows = Object.entries(responses).map(([status, { description, content }]) => {
    const schema = Object.values(content ?? {})[0]?.schema;
    return `<tr><td>${escapeHtml(status)}</td><td>${renderProse(description)}</td><td>${renderShape(schema)}</td></tr>`;
  });
  return `<table><tbody>${rows.join('\n')}</tbody></table>`;
}

/** A named shape as a link to it, anything else as it is. */
function renderShape(schema: unknown): string {
  if (schema === undefined) return '';
  const reference = (schema as { $ref?: string }).$ref;
  if (reference === undefined) return `<code>${escapeHtml(JSON.stringify(schema))}</code>`;
  const name = escapeHtml(reference.slice(reference.lastIndexOf('/') + 1));
  return `<a href="#${name}"><code>${name}</code></a>`;
}

function renderJson(value: unknown): string {
  return `<pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre>`;
}
