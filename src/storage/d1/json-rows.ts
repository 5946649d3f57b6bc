/**
 * Rows handed to one SQL statement as JSON text, read there with json_each(?). D1 takes at most 100 parameters
 * and 2 MB for one of them, so a bulk write is one parameter per chunk instead of one per value.
 */

/** Half of D1's limit for one value: characters are counted here, and a character may take more than a byte. */
const CHUNK_CHARACTERS_MAX = 500_000;

/**
 * Serialises rows in their order into as few JSON arrays as the limit allows.
 * A single row beyond the limit is a chunk by itself; whether it fits is for the database to say.
 */
export function jsonChunks(rows: readonly unknown[]): string[] {
  const chunks: string[] = [];
  let texts: string[] = [];
  let characters = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (texts.length > 0 && characters + text.length > CHUNK_CHARACTERS_MAX) {
      chunks.push(`[${texts.join(',')}]`);
      texts = [];
      characters = 0;
    }
    texts.push(text);
    characters += text.length + 1;
  }
  if (texts.length > 0) chunks.push(`[${texts.join(',')}]`);
  return chunks;
}
