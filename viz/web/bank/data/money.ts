/** Yuan as people type them, to integer fen and back, without floating point in between. */

/** Largest amount a form takes: one thousand billion yuan in fen, far inside what a number holds exactly. */
export const AMOUNT_FEN_MAX = 100_000_000_000_000;

/** "1,234.5" to 123450 fen. Null for anything but a positive amount with two decimals at most. */
export function parseYuan(text: string): number | null {
  const plain = text.replace(/[,\s,¥¥]/g, "");
  const match = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(plain);
  if (match === null) return null;
  const fen = Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
  return fen > 0 && fen <= AMOUNT_FEN_MAX ? fen : null;
}

/** 123450 fen as "1234.50", for a field. */
export function yuanText(fen: number): string {
  const sign = fen < 0 ? "-" : "";
  const amount = Math.abs(fen);
  return `${sign}${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;
}
