/**
 * The frame of the few pages that we serve: plain HTML, one style sheet, no script, nothing from a network.
 * Everything that comes from a value goes through `escapeHtml`.
 */
import { sha256Base64 } from '../../platform/digest.ts';

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.5 ui-monospace,monospace}
pre{background:var(--soft);padding:.75rem;overflow:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
td,th{border-bottom:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}
details{border-top:1px solid var(--line);padding:.5rem 0}
summary{cursor:pointer}
.verb{display:inline-block;min-width:4.5rem;font-weight:600}
.muted{opacity:.7}
`;

const policy = (formAction: 'none' | 'self'): string =>
  `default-src 'none'; style-src 'sha256-${sha256Base64(STYLE)}'; frame-ancestors 'none'; base-uri 'none'; form-action '${formAction}'`;

/** What a page may load: our one style sheet, by its hash. */
export const PAGE_POLICY = policy('none');

/** The same for a page with a form of ours. */
export const FORM_POLICY = policy('self');

/** A whole page. `body` is HTML already. */
export function renderPage(page: { readonly title: string; readonly body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)}</title>
<style>${STYLE}</style>
</head>
<body>
${page.body}
</body>
</html>
`;
}

/** An answer with a page; `null` for one that only its reader may keep. */
export function pageResponse(
  html: string,
  maxAgeSeconds: number | null,
  contentPolicy = PAGE_POLICY,
): Response {
  return new Response(html, {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': contentPolicy,
      'Cache-Control':
        maxAgeSeconds === null ? 'private, no-store' : `public, max-age=${maxAgeSeconds}`,
    },
  });
}

/** Text as HTML text or attribute value. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Escaped text in which \`code\` is set as code. */
export function renderProse(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}
