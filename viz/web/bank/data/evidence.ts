/** The evidence of several lots at once. */

import { api } from "@shared/api/client";
import type { Evidence } from "@shared/api/types";
import { useQueries } from "@tanstack/react-query";

/** The answers that have come so far; a lot that cannot be read is left out. */
export function useEvidences(lotIds: readonly string[]): Evidence[] {
  const answers = useQueries({
    queries: lotIds.map((lotId) => ({
      queryKey: ["evidence", lotId],
      queryFn: () => api.get<Evidence>(`/evidence/${encodeURIComponent(lotId)}`),
    })),
  });
  return answers.flatMap((answer) => answer.data ?? []);
}
