/** Shares as people type them, in per cent, to the decimal texts of the server, without floating point in between. */

/** Digits after the point of a share, 0.0435. */
const DECIMALS_MAX = 6;

/** "4.35" to "0.0435". Null for anything but a share above 0 and at most `most` per cent with four decimals at most. */
export function parsePercent(text: string, most = 100): string | null {
  const match = /^(\d{1,3})(?:\.(\d{1,4}))?$/.exec(text.replace(/[\s%%]/g, ""));
  if (match === null) return null;
  const millionths = Number(match[1]) * 10_000 + Number((match[2] ?? "").padEnd(4, "0"));
  if (millionths === 0 || millionths > most * 10_000) return null;
  if (millionths === 10 ** DECIMALS_MAX) return "1";
  return `0.${String(millionths).padStart(DECIMALS_MAX, "0").replace(/0+$/, "")}`;
}
