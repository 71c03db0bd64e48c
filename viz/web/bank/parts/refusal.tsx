/** What the server said against a command, in the person's words: pallets by their labels, money as money. */

import { ApiProblem } from "@shared/api/client";
import { useWords } from "@shared/react/page";
import { Mark, problemText } from "@shared/react/parts";
import { useQueryClient } from "@tanstack/react-query";
import { labelsOf, toldFacts } from "../data/labels";

export function Refusal({ error }: { error: unknown }) {
  const { t, locale } = useWords();
  const queries = useQueryClient();
  const known = () => labelsOf(queries.getQueriesData({}).map(([, answer]) => answer));
  return (
    <div className="th-problem" role="alert">
      <Mark name="triangle" />
      <div>{error instanceof ApiProblem ? refusalText(error, toldFacts(error.facts, known(), locale), t) : problemText(error, t)}</div>
    </div>
  );
}

type Words = (key: string, facts?: Record<string, unknown>) => string;

/** The console's own sentence where it has one, else everybody's. */
function refusalText(problem: ApiProblem, facts: Record<string, unknown>, t: Words): string {
  for (const key of [`bank.refusal.${problem.key}`, `problems.${problem.key}`]) {
    const text = t(key, facts);
    if (text !== key) return text;
  }
  return problemText(problem, t);
}
