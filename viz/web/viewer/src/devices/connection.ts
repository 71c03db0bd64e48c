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

/** What may name a machine: a name or an IPv4 address, or an IPv6 address (`devices/families.py`). */
const HOST = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9]+)?)$/;

/** The rule that what was typed breaks, in the server's words; null for none, or for one that only the server knows. */
export function brokenRule(parameter: FamilyParameter, typed: string): string | null {
  const text = typed.trim();
  const { type, minimum: low, maximum: high } = parameter;
  if (text === "") return null;
  if (parameter.is_host) return HOST.test(text) ? null : "a host name or address";
  if (type !== "integer" && type !== "number") return null;
  const value = Number(text);
  if (!Number.isFinite(value) || (type === "integer" && !Number.isInteger(value))) return type === "integer" ? "an integer" : "a number";
  if (value >= (low ?? -Infinity) && value <= (high ?? Infinity)) return null;
  if (low !== null && high !== null) return `${low} to ${high}`;
  return low !== null ? `at least ${low}` : `at most ${high}`;
}

/** Whether it has all that it must have, and nothing that breaks a rule. */
export function isGiven(parameters: readonly FamilyParameter[], given: Given): boolean {
  return parameters.every((one) => (!one.required || (given[one.name] ?? "").trim() !== "") && brokenRule(one, given[one.name] ?? "") === null);
}
