/**
 * Reads the part of XML 1.0 that bank statements are written in: elements, attributes, text, comments, the XML
 * declaration, the five named and the numeric entities. A document type, CDATA, processing instructions and anything
 * malformed are refused, so that there is nothing to expand and nothing to fetch. Prefixes of names are dropped. Pure.
 */

/** An element with what is directly in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  readonly rawName: string;
  text: string;
}

const DEPTH_MAX = 32;
const NAME = '[A-Za-z_][\\w.-]*(?::[A-Za-z_][\\w.-]*)?';
const TOKEN = new RegExp(
  `<!--[\\s\\S]*?-->|</(${NAME})\\s*>|<(${NAME})((?:\\s+${NAME}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>|([^<]+)`,
  'y',
);
const ATTRIBUTE = new RegExp(`(${NAME})\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, 'g');
const ENTITY = /&(?:lt|gt|amp|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});/g;
const NAMED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
};

/** The root of a document; null for what is none of this kind. */
export function readXml(text: string): XmlElement | null {
  const body = text.replace(/^\uFEFF?\s*(?:<\?xml\s[^?<>]*\?>)?/, '');
  const document: OpenElement = openElement('', '');
  const open = [document];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < body.length) {
    const match = TOKEN.exec(body);
    const top = open.at(-1);
    if (match === null || top === undefined || open.length > DEPTH_MAX) return null;
    if (!take(open, top, match)) return null;
  }
  const [root, ...others] = document.children;
  const isWhole = open.length === 1 && others.length === 0 && document.text.trim() === '';
  return isWhole && root !== undefined ? root : null;
}

/** Takes one token in; false where it does not fit. */
function take(open: OpenElement[], top: OpenElement, match: RegExpExecArray): boolean {
  const [, closing, opening, attributes = '', empty, raw] = match;
  if (closing !== undefined) {
    open.pop();
    return top.rawName === closing && open.length > 0;
  }
  if (opening !== undefined) {
    const element = openElement(opening, attributes);
    top.children.push(element);
    if (empty !== '/') open.push(element);
    return true;
  }
  if (raw === undefined) return true; // A comment.
  const text = decode(raw);
  if (text === null) return false;
  top.text += text;
  return true;
}

function openElement(rawName: string, attributes: string): OpenElement {
  const pairs = [...attributes.matchAll(ATTRIBUTE)].map(
    ([, name = '', double, single]) =>
      [localName(name), decode(double ?? single ?? '') ?? ''] as const,
  );
  return {
    rawName,
    name: localName(rawName),
    attributes: new Map(pairs),
    children: [],
    text: '',
  };
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** Null where an ampersand begins nothing that is known. */
function decode(text: string): string | null {
  if (text.replaceAll(ENTITY, '').includes('&')) return null;
  return text.replaceAll(ENTITY, (entity) => {
    const body = entity.slice(1, -1);
    if (!body.startsWith('#')) return NAMED[body] ?? '';
    const isHex = body.startsWith('#x');
    const code = Number.parseInt(body.slice(isHex ? 2 : 1), isHex ? 16 : 10);
    return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : '';
  });
}

/** The first element on a path of names below an element. */
export function elementAt(from: XmlElement, path: readonly string[]): XmlElement | null {
  let element: XmlElement | undefined = from;
  for (const name of path) element = element?.children.find((child) => child.name === name);
  return element ?? null;
}

/** The text of the first element on a path, trimmed; empty where there is none. */
export function textAt(from: XmlElement, path: readonly string[]): string {
  return elementAt(from, path)?.text.trim() ?? '';
}

/** All elements of a name directly below an element. */
export function childrenOf(from: XmlElement, name: string): XmlElement[] {
  return from.children.filter((child) => child.name === name);
}
