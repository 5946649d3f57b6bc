/** What is taken for a card number, and what passes. */
import { describe, expect, it } from 'vitest';
import { holdsCardNumber } from '../../src/domain/payment/card-number.ts';

describe('a card number', () => {
  it.each([
    ['visa', '4242424242424242'],
    ['visa of 13 digits', '4222222222222'],
    ['mastercard', '5555555555554444'],
    ['mastercard of the new range', '2223003122003222'],
    ['american express', '378282246310005'],
    ['of 19 digits', '6212345678900000003'],
    ['with spaces', 'no. 4242 4242 4242 4242 please'],
    ['with hyphens', '4242-4242-4242-4242'],
    ['in an address', 'https://shop.test/?card=4242%204242%204242%204242&x=1'],
    ['after a prefix', 'pm_4242424242424242'],
  ])('is found: %s', (_what, text) => {
    expect(holdsCardNumber(text)).toBe(true);
  });

  it.each([
    ['a token', 'pm_1NvXyz2eZvKYlo2C4242abcd'],
    ['a wrong check digit', '4242424242424241'],
    ['twelve digits', '424242424242'],
    ['a time in milliseconds', 'https://shop.test/?at=1795276800000'],
    ['a longer run of digits', '42424242424242424242424242'],
    ['a range that no card has', '9999999999999995'],
    ['nothing', ''],
  ])('is not found in %s', (_what, text) => {
    expect(holdsCardNumber(text)).toBe(false);
  });
});
