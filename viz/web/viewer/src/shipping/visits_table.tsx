import type { Role, Visit } from "@shared/api/types";
import { LOOKS, type Look } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Age, Tag } from "@shared/react/parts";
import { useState } from "react";
import { useHasRole } from "../state/place";
import { ListPanel, newestFirst, type TableProps } from "./list_panel";
import { StateTareDialog } from "./state_tare_dialog";
import { TakeBackButton, TakeBackDialog } from "./take_back_dialog";

const merge = newestFirst<Visit>((row) => row.visit_id, (row) => row.expected_at);

/** Whose word it is. */
export const MAY_STATE_TARES: readonly Role[] = ["keeper"];

const VISIT_LOOKS: Record<Visit["state"], Look> = {
  expected: LOOKS.outcome.waiting,
  admitted: LOOKS.outcome.good,
  leaving: LOOKS.status.reserved,
  left: LOOKS.device.retired,
  cancelled: LOOKS.device.retired,
};

export function VisitsTable(props: TableProps) {
  const { t } = useWords();
  const [takingBack, setTakingBack] = useState<Visit | null>(null);
  const [stating, setStating] = useState<Visit | null>(null);
  const mayState = useHasRole(MAY_STATE_TARES);
  const columns = [t("shipping.vehicle"), t("shipping.state"), t("shipping.purpose"), t("shipping.expected"), t("shipping.admitted"), t("shipping.left"), ""];
  const row = (one: Visit) => (
    <Row key={one.visit_id} row={one} onTakeBack={() => setTakingBack(one)} onState={mayState && comesLaden(one) ? () => setStating(one) : null} />
  );
  return (
    <>
      <ListPanel {...props} list="visits" merge={merge} columns={columns} row={row} />
      {takingBack && <TakeBackDialog visit={takingBack} onClose={() => setTakingBack(null)} onDone={props.onChanged} />}
      {stating && <StateTareDialog path={props.path} visit={stating} onClose={() => setStating(null)} onDone={props.onChanged} />}
    </>
  );
}

/** One that fetches goods comes empty, and is weighed so. */
function comesLaden(visit: Visit): boolean {
  return visit.purpose === "delivery" && visit.state !== "cancelled";
}

function Row({ row, onTakeBack, onState }: { row: Visit; onTakeBack: () => void; onState: (() => void) | null }) {
  const { t } = useWords();
  return (
    <tr>
      <th scope="row">
        <b>{row.plate}</b>
        <small className="th-mono">{row.epc_hex}</small>
      </th>
      <td data-label={t("shipping.state")}>
        <Tag look={VISIT_LOOKS[row.state]}>{t(`states.visits.${row.state}`)}</Tag>
        {row.cancelled_reason !== null && <small>{row.cancelled_reason}</small>}
      </td>
      <td data-label={t("shipping.purpose")}>{t(`shipping.purposes.${row.purpose}`)}</td>
      <td data-label={t("shipping.expected")}>
        <Age at={row.expected_at} />
      </td>
      <td data-label={t("shipping.admitted")}>{row.admitted_at === null ? <span className="th-faint">–</span> : <Age at={row.admitted_at} />}</td>
      <td data-label={t("shipping.left")}>{row.left_at === null ? <span className="th-faint">–</span> : <Age at={row.left_at} />}</td>
      <td className="row-acts">
        {row.state === "expected" && <TakeBackButton onClick={onTakeBack} />}
        {onState && (
          <button type="button" className="th-button" onClick={onState}>
            {t("shipping.stateTare")}
          </button>
        )}
      </td>
    </tr>
  );
}
