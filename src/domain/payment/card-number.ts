/**
 * Tells a card number from other text, so that one that somebody sends by mistake is refused before anything of it is kept.
 * Pure. Source: ISO/IEC 7812-1 (length, major industry identifier, check digit).
 */

/** A whole stretch of digits, with the separators that people type between groups. */
const DIGITS = /\d(?:[ \-+.]?\d)*/g;

/**
 * 13 to 19 digits that begin as payment cards do. A stretch that is longer is an id; one that begins with another digit is
 * one too, or a time in milliseconds.
 */
const CARD_SHAPE = /^[2-6]\d{12,18}$/;

/** True where a stretch of digits in the text could be a card's number. */
export function holdsCardNumber(text: string): boolean {
  return (text.replaceAll('%20', ' ').match(DIGITS) ?? [])
    .map((stretch) => stretch.replaceAll(/\D/g, ''))
    .some((digits) => CARD_SHAPE.test(digits) && hasCheckDigit(digits));
}

/** The Luhn formula. */
function hasCheckDigit(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits.charAt(digits.length - 1 - place));
    const weighed = place % 2 === 0 ? digit : digit * 2;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}
