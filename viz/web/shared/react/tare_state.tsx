/** How far a stated empty mass has come, and who said what to it. */
import type { Tare } from "../api/types";
import { LOOKS, type Look } from "../icons";
import { useWords } from "./page";
import { Tag } from "./parts";

type State = "waiting" | "approved" | "refused" | "withdrawn" | "replaced";

const TARE_LOOKS: Record<State, Look> = {
  waiting: LOOKS.outcome.waiting,
  approved: LOOKS.outcome.good,
  refused: LOOKS.outcome.warning,
  withdrawn: LOOKS.device.retired,
  replaced: LOOKS.device.retired,
};

/** One approval makes it approved: which banks must have approved it the gate knows, and no page does. */
export function tareState(tare: Tare): State {
  if (tare.end_cause !== null) return tare.end_cause;
  if (tare.answers.some((one) => one.is_approved)) return "approved";
  return tare.answers.length > 0 ? "refused" : "waiting";
}

export function TareState({ tare }: { tare: Tare }) {
  const { t } = useWords();
  const state = tareState(tare);
  return (
    <span className="tare-state">
      <Tag look={TARE_LOOKS[state]}>{t(`tare.state.${state}`)}</Tag>
      {tare.answers.map((one) => (
        <small key={one.answered_at + one.party}>
          {one.is_approved ? t("tare.approvedBy", { party: one.party ?? "–" }) : t("tare.refusedBy", { party: one.party ?? "–", reason: one.reason })}
        </small>
      ))}
      {state === "withdrawn" && <small>{t("tare.endedBy", { party: tare.ended_by ?? "–", reason: tare.end_reason ?? "" })}</small>}
    </span>
  );
}
