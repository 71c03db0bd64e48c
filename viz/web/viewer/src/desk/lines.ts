/** Lines of a form, as typed or pasted. Pure. */

/** What stands in the cells of a line, by the name of the column. */
export type Line = Readonly<Record<string, string>>;

export function isBlank(line: Line): boolean {
  return Object.values(line).every((text) => text.trim() === "");
}

/** Cells of a spreadsheet's rows, or of CSV with commas or semicolons; null for a plain text that is no table. */
export function tableOf(text: string, columns: number): string[][] | null {
  const rows = text.split(/\r?\n/).filter((row) => row.trim() !== "");
  const separator = ["\t", ";", ","].find((mark) => rows.some((row) => row.includes(mark)));
  if (separator === undefined) return rows.length > 1 ? rows.map((row) => [row.trim()]) : null;
  const cells = rows.map((row) => row.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")));
  return cells.every((row) => row.length <= columns) ? cells : null;
}

/** The lines with a pasted table from a line and column on; its heading, which has no digit at all, is left out. */
export function pasteInto(lines: readonly Line[], names: readonly string[], table: string[][], row: number, column: number): Line[] {
  const [first] = table;
  const isHeading = table.length > 1 && first !== undefined && !first.some((cell) => /\d/.test(cell));
  const filled = [...lines];
  (isHeading ? table.slice(1) : table).forEach((cells, index) => {
    const given = Object.fromEntries(cells.flatMap((cell, at) => (names[column + at] ? [[names[column + at], cell]] : [])));
    filled[row + index] = { ...filled[row + index], ...given };
  });
  return filled;
}

/** A number as people type it, blanks between its digits or not; NaN, which the server refuses, for anything else. */
export function numberOf(text: string | undefined): number {
  const digits = (text ?? "").replace(/[\s\u00a0]/g, "");
  return /^\d{1,15}(\.\d{1,6})?$/.test(digits) ? Number(digits) : Number.NaN;
}

/** What the page itself has against a cell, before the line is sent. */
export interface Fault {
  row: number;
  /** The column's. */
  name: string;
  rule: string;
}

/** Every cell with something in it that `ruleOf` has a rule against, in their order. */
export function faultsIn(lines: readonly Line[], ruleOf: (name: string, text: string, line: Line) => string | null): Fault[] {
  return lines.flatMap((line, row) =>
    Object.entries(line).flatMap(([name, text]) => {
      const rule = text.trim() === "" ? null : ruleOf(name, text, line);
      return rule === null ? [] : [{ row, name, rule }];
    }),
  );
}
