/** What a device is given, from what was typed. Pure. */
import type { FamilyParameter } from "@shared/api/types";

/** What a person typed or chose, by the parameter's name. */
export type Given = Readonly<Record<string, string>>;

/** The value that the server takes, in the parameter's type. What cannot be read as that goes as it was typed: the server says what it must be. */
function valueOf(parameter: FamilyParameter, text: string): unknown {
  switch (parameter.type) {
    case "integer":
    case "number":
      return Number.isNaN(Number(text)) ? text : Number(text);
    case "boolean":
      return text === "true";
    case "list of integers":
      return text.split(/[\s,;，、]+/).map((part) => (Number.isNaN(Number(part)) ? part : Number(part)));
    default:
      return text;
  }
}

/** The connection without what was left empty, which takes its default. */
export function connectionOf(parameters: readonly FamilyParameter[], given: Given): Record<string, unknown> {
  const typed = parameters.flatMap((one) => {
    const text = (given[one.name] ?? "").trim();
    return text === "" ? [] : [[one.name, valueOf(one, text)]];
  });
  return Object.fromEntries(typed);
}

/** What a person would have typed for a connection that is known. */
export function givenOf(connection: Readonly<Record<string, unknown>>): Given {
  return Object.fromEntries(Object.entries(connection).map(([name, value]) => [name, [value].flat().join(", ")]));
}

export function isGiven(parameters: readonly FamilyParameter[], given: Given): boolean {
  return parameters.every((one) => !one.required || (given[one.name] ?? "").trim() !== "");
}
