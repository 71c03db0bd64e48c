/** Lines of a command as a small spreadsheet: cells are typed, or pasted from a spreadsheet or a CSV file. */
import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { useContext, useState, type ClipboardEvent } from "react";
import { RefusalContext, refusedField } from "./field";
import { isBlank, pasteInto, tableOf, type Fault, type Line } from "./lines";

export interface LineColumn {
  /** As the server calls it. */
  name: string;
  label: string;
  isNumber?: boolean;
  /** What may stand there, with what each is called. */
  choices?: readonly { value: string; label: string }[];
}

interface LinesEditorProps {
  /** The list's name in the command. */
  field: string;
  label: string;
  hint: string;
  columns: readonly LineColumn[];
  lines: readonly Line[];
  /** What the page has against cells: each is marked once it is left, and the first is said. */
  faults?: readonly Fault[];
  onChange: (lines: Line[]) => void;
}

export function LinesEditor({ field, label, hint, columns, lines, faults = [], onChange }: LinesEditorProps) {
  const { t } = useWords();
  const [typing, setTyping] = useState("");
  const refused = useWrong(field, lines);
  const left = faults.filter((fault) => typing !== cellOf(fault.row, fault.name));
  const marked = faults.length === 0 && refused !== null ? [refused] : left;
  const [wrong] = marked;
  const ruleAt = (row: number, name: string) => marked.find((fault) => fault.row === row && [name, ""].includes(fault.name))?.rule;
  const names = columns.map((column) => column.name);
  // There is always an empty line to type on.
  const shown = lines.length === 0 || !isBlank(lines[lines.length - 1]!) ? [...lines, {}] : lines;
  const change = (row: number, name: string, text: string) =>
    onChange(shown.map((line, index) => (index === row ? { ...line, [name]: text } : line)));
  const paste = (event: ClipboardEvent, row: number, column: number) => {
    const table = tableOf(event.clipboardData.getData("text"), columns.length - column);
    if (table === null) return;
    event.preventDefault();
    onChange(pasteInto(shown, names, table, row, column));
  };
  return (
    <fieldset className="lines">
      <legend>{label}</legend>
      <small>{hint}</small>
      {wrong !== undefined && <small role="alert" data-refusal={wrong === refused}>{t("desk.lineWrong", { number: wrong.row + 1, column: columns.find(({ name }) => name === wrong.name)?.label ?? label, rule: wrong.rule })}</small>}
      {columns.map(({ name, choices }) => choices && <Choices key={name} id={`${field}-${name}`} choices={choices} />)}
      <div className="lines-rows">
        <table>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.name} scope="col" data-number={column.isNumber}>{column.label}</th>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {shown.map((line, row) => (
              <tr key={row}>
                {columns.map((column, at) => (
                  <td key={column.name}>
                    <input
                      aria-label={`${column.label} ${row + 1}`}
                      aria-invalid={ruleAt(row, column.name) !== undefined}
                      title={ruleAt(row, column.name)}
                      inputMode={column.isNumber ? "decimal" : "text"}
                      list={column.choices && `${field}-${column.name}`}
                      value={line[column.name] ?? ""}
                      onChange={(event) => change(row, column.name, event.target.value)}
                      onFocus={() => setTyping(cellOf(row, column.name))}
                      onBlur={() => setTyping("")}
                      onPaste={(event) => paste(event, row, at)}
                    />
                  </td>
                ))}
                <td>
                  {!isBlank(line) && (
                    <button
                      type="button"
                      className="th-button"
                      data-kind="icon"
                      aria-label={t("desk.removeLine", { number: row + 1 })}
                      onClick={() => onChange(shown.filter((_, index) => index !== row))}
                    >
                      <Icon name="close" />
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </fieldset>
  );
}

function cellOf(row: number, name: string): string {
  return `${row}.${name}`;
}

function Choices({ id, choices }: { id: string; choices: NonNullable<LineColumn["choices"]> }) {
  return (
    <datalist id={id}>
      {choices.map(({ value, label }) => (
        <option key={value} value={value}>{label}</option>
      ))}
    </datalist>
  );
}

/** The line that the server refuses, as it stands here: blank lines are not sent, so it counts without them. */
function useWrong(field: string, lines: readonly Line[]): Fault | null {
  const { locale } = useWords();
  const refused = refusedField(useContext(RefusalContext), locale);
  const [list, number, name = ""] = refused?.field.split(".") ?? [];
  if (refused === null || list !== field || !/^\d+$/.test(number ?? "")) return null;
  const sent = lines.flatMap((line, index) => (isBlank(line) ? [] : [index]));
  const row = sent[Number(number)];
  return row === undefined ? null : { row, name, rule: refused.rule };
}
