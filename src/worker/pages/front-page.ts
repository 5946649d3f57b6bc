/** The front page: where a payer lands who named no page of their own, and where a newcomer finds the reference. */
import { renderPage } from './page.ts';

/** The whole page. */
export function renderFrontPage(): string {
  return renderPage({
    title: 'Holdfast',
    body: `<h1>Holdfast</h1>
     <p>Select a slot, pay, get an instant confirmation.</p>
     <p>If you come from a payment: your booking is being confirmed. Go back to where you booked to see it.</p>
     <ul>
       <li><a href="/docs">API reference</a> (<a href="/openapi.json">OpenAPI 3.1</a>)</li>
       <li><a href="/v1/services">Services on sale</a></li>
       <li><a href="/readyz">Readiness</a></li>
     </ul>`,
  });
}
