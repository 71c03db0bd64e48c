/** What the server said against a command; observations are told as the pallets they saw. */

import { ApiProblem } from "@shared/api/client";
import { useWords } from "@shared/react/page";
import { Mark, problemText } from "@shared/react/parts";
import { useQueryClient } from "@tanstack/react-query";
import { palletsSeen, seenByObservation } from "../data/labels";

export function Refusal({ error }: { error: unknown }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const ids = error instanceof ApiProblem ? error.facts["evidence_ids"] : undefined;
  const told = Array.isArray(ids)
    ? { evidence_ids: palletsSeen(ids, seenByObservation(queries.getQueriesData({}).map(([, answer]) => answer))) }
    : null;
  return (
    <div className="th-problem" role="alert">
      <Mark name="triangle" />
      <div>{error instanceof ApiProblem && told ? t(`problems.${error.key}`, told) : problemText(error, t)}</div>
    </div>
  );
}
