/** A labelled field of a command, marked when the server refuses what it holds. */
import { ApiProblem } from "@shared/api/client";
import type { Locale } from "@shared/api/types";
import { formatMass } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { problemText } from "@shared/react/parts";
import { createContext, useContext, type ReactNode } from "react";
import { sayRule } from "./rules";

/** What the last try of the command around ended with; null while nothing is wrong. */
export const RefusalContext = createContext<unknown>(null);

/** The field that a refusal names, and the rule it breaks in the person's language; null where it names none. */
export function refusedField(failure: unknown, locale: Locale): { field: string; rule: string } | null {
  if (!(failure instanceof ApiProblem)) return null;
  const { field, rule } = failure.facts;
  if (typeof field !== "string" || typeof rule !== "string") return null;
  const said = sayRule(rule, locale);
  return { field, rule: field.endsWith("_g") ? said.replace(/\d+/g, (grams) => formatMass(Number(grams), locale)) : said };
}

interface FieldProps {
  label: string;
  /** As the server calls it; several where commands call the same thing differently. */
  name: string | readonly string[];
  hint?: ReactNode;
  /** What the page itself has against the value, before it is sent. */
  wrong?: string | undefined;
  children: ReactNode;
}

export function Field({ label, name, hint, wrong, children }: FieldProps) {
  const { t, locale } = useWords();
  const failure = useContext(RefusalContext);
  const refused = refusedField(failure, locale);
  const isRefused = wrong === undefined && refused !== null && [name].flat().includes(refused.field);
  const against = wrong ?? (isRefused ? problemText(failure, t) : undefined);
  return (
    <div className="field" data-wrong={against !== undefined}>
      <label>
        <span>{label}</span>
        {children}
      </label>
      {against !== undefined ? <small role="alert" data-refusal={isRefused}>{against}</small> : hint && <small>{hint}</small>}
    </div>
  );
}
