/** QR codes as SVG, by a library. The text is encoded and never put into the picture as text. */
import { renderSVG } from 'uqr';

/** Modules of white around the code. Source: ISO/IEC 18004, 6.3.8. */
const QUIET_ZONE = 4;

/** The code of a text. A scratched or folded one with 15 % of it lost still reads. */
export function qrCodeSvg(text: string): string {
  return renderSVG(text, { ecc: 'M', border: QUIET_ZONE });
}
