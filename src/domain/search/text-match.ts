/**
 * How well a text answers what somebody typed. Words are compared one by one and may be mistyped a little, as the length
 * of the word allows; a text that does not answer every word does not answer at all.
 */

/** Typing mistakes that a word may have: none in short ones, where another word is soon meant. */
const MISTAKES: readonly { readonly fromLength: number; readonly most: number }[] = [
  { fromLength: 8, most: 2 },
  { fromLength: 5, most: 1 },
];

/** What a word of the query is worth, out of 1,000, by how it was found. */
const WHOLE = 1_000;
const BEGINNING = 900;
const PART = 700;
const ONE_MISTAKE = 600;
const TWO_MISTAKES = 400;

/** Characters of the pieces that the index finds texts by. */
const PIECE_LENGTH = 3;

/** Pieces that are looked for at most: a long query costs no more than a reasonable one. */
const PIECES_MAX = 60;

const LETTERS = /[\p{L}\p{N}]+/gu;

/** Text as it is compared: without accents, in lower case. */
export function foldText(text: string): string {
  return text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

/** Words of a folded text. */
export function wordsOf(folded: string): string[] {
  return folded.match(LETTERS) ?? [];
}

/** The pieces of three characters that a text which answers the query shares with it; empty for too short a query. */
export function piecesOf(query: string): string[] {
  const pieces = new Set<string>();
  for (const word of wordsOf(foldText(query))) {
    const letters = Array.from(word);
    for (let i = 0; i + PIECE_LENGTH <= letters.length; i += 1)
      pieces.add(letters.slice(i, i + PIECE_LENGTH).join(''));
  }
  return [...pieces].slice(0, PIECES_MAX);
}

/** How well a text answers a query, from 1 to 1,000; null where it does not. */
export function matchText(query: string, text: string): number | null {
  const asked = wordsOf(foldText(query));
  const words = wordsOf(foldText(text));
  if (asked.length === 0) return null;
  let total = 0;
  for (const word of asked) {
    const best = Math.max(0, ...words.map((candidate) => matchWord(word, candidate)));
    if (best === 0) return null;
    total += best;
  }
  return Math.floor(total / asked.length);
}

function matchWord(asked: string, word: string): number {
  if (word === asked) return WHOLE;
  if (word.startsWith(asked)) return BEGINNING;
  if (asked.length > 1 && word.includes(asked)) return PART;
  const most = MISTAKES.find(({ fromLength }) => asked.length >= fromLength)?.most ?? 0;
  if (Math.abs(asked.length - word.length) > most) return 0;
  const mistakes = most === 0 ? 1 : countMistakes(asked, word);
  if (mistakes > most) return 0;
  return mistakes === 1 ? ONE_MISTAKE : TWO_MISTAKES;
}

/**
 * Letters left out, put in, changed or swapped with their neighbour on the way from one word to the other.
 * Source: the optimal string alignment distance (Damerau 1964; each stretch is edited once).
 */
function countMistakes(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const isSame = from[i - 1] === to[j - 1];
      const changed = (last[j - 1] ?? 0) + (isSame ? 0 : 1);
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, changed);
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (isSwapped) least = Math.min(least, (beforeLast[j - 2] ?? 0) + 1);
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length] ?? from.length;
}
