/** What an RFID tag says. Bit layout: GS1 EPC Tag Data Standard, SSCC-96 and its table of partition values. */

import { checkDigit } from "./gs1";

const HEADER_SSCC_96 = 0x31n;

/** Partition value to bits and digits of the company prefix. */
const PREFIX_OF_PARTITION: readonly (readonly [bits: bigint, digits: number])[] = [
  [40n, 12],
  [37n, 11],
  [34n, 10],
  [30n, 9],
  [27n, 8],
  [24n, 7],
  [20n, 6],
];

/** Bits of company prefix and serial reference together; 24 unused bits follow them. */
const CONTENT_BITS = 58n;
const UNUSED_BITS = 24n;

/** The rule of `isTag`, as the server states it. */
export const RULE_TAG = "24 hexadecimal characters";

/** Whether a text is an EPC of 96 bits. */
export function isTag(text: string): boolean {
  return /^[0-9A-F]{24}$/i.test(text);
}

/** The 18 digits of a tag of 24 hexadecimal characters; null when it holds no SSCC. */
export function ssccOfTag(epcHex: string): string | null {
  if (!isTag(epcHex)) return null;
  const value = BigInt(`0x${epcHex}`);
  const partition = PREFIX_OF_PARTITION[Number((value >> 82n) & 0b111n)];
  if (value >> 88n !== HEADER_SSCC_96 || partition === undefined) return null;
  const [prefixBits, prefixDigits] = partition;
  const prefix = digitsOf((value >> (82n - prefixBits)) & mask(prefixBits), prefixDigits);
  const serial = digitsOf((value >> UNUSED_BITS) & mask(CONTENT_BITS - prefixBits), 17 - prefixDigits);
  if (prefix === null || serial === null || (value & mask(UNUSED_BITS)) !== 0n) return null;
  const body = serial.slice(0, 1) + prefix + serial.slice(1);
  return body + String(checkDigit(body));
}

/** Headers of the schemes of goods and of what carries them: SGTIN, SSCC and GRAI, in all their lengths. */
const HEADERS_OF_GOODS = /^3[01367]/;

/** Whether a vehicle may carry the tag: one that says goods, a pallet or a carrier is none of a vehicle. */
export function isVehicleTag(epcHex: string): boolean {
  return isTag(epcHex) && !HEADERS_OF_GOODS.test(epcHex);
}

function mask(bits: bigint): bigint {
  return (1n << bits) - 1n;
}

/** Null for a number that does not fit: such a tag was not written by the standard. */
function digitsOf(value: bigint, digits: number): string | null {
  const text = value.toString().padStart(digits, "0");
  return text.length === digits ? text : null;
}
