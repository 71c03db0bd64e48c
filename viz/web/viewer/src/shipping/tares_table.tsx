/** Empty masses that were stated, with what banks answered. */
import type { Tare } from "@shared/api/types";
import { formatMass } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Age } from "@shared/react/parts";
import { TareState } from "@shared/react/tare_state";
import { useState } from "react";
import { ReasonDialog } from "../desk/reason_dialog";
import { useHasRole } from "../state/place";
import { ListPanel, newestFirst, type TableProps } from "./list_panel";
import { MAY_STATE_TARES } from "./visits_table";

const merge = newestFirst<Tare>((row) => row.tare_id, (row) => row.proposed_at);

export function TaresTable(props: TableProps) {
  const { t } = useWords();
  const [leaving, setLeaving] = useState<Tare | null>(null);
  const mayWithdraw = useHasRole(MAY_STATE_TARES);
  const columns = [t("shipping.vehicle"), t("shipping.state"), t("tare.mass"), t("tare.document"), t("tare.stated"), ""];
  const row = (tare: Tare) => <Row key={tare.tare_id} tare={tare} onWithdraw={mayWithdraw && tare.ended_at === null ? () => setLeaving(tare) : null} />;
  return (
    <>
      <ListPanel {...props} list="tares" merge={merge} columns={columns} row={row} />
      {leaving && (
        <ReasonDialog
          title={t("tare.withdrawTitle", { plate: leaving.plate })}
          path={`/tares/${encodeURIComponent(leaving.tare_id)}/withdraw`}
          action={t("tare.withdraw")}
          how={t("tare.withdrawHow")}
          isDanger
          onClose={() => setLeaving(null)}
          onDone={props.onChanged}
        />
      )}
    </>
  );
}

function Row({ tare, onWithdraw }: { tare: Tare; onWithdraw: (() => void) | null }) {
  const { t, locale } = useWords();
  return (
    <tr>
      <th scope="row">
        <b>{tare.plate}</b>
      </th>
      <td data-label={t("shipping.state")}>
        <TareState tare={tare} />
      </td>
      <td data-label={t("tare.mass")}>{formatMass(tare.mass_g, locale)}</td>
      <td data-label={t("tare.document")}>{tare.document}</td>
      <td data-label={t("tare.stated")}>
        <Age at={tare.proposed_at} />
      </td>
      <td className="row-acts">
        {onWithdraw && (
          <button type="button" className="th-button" onClick={onWithdraw}>
            {t("tare.withdraw")}
          </button>
        )}
      </td>
    </tr>
  );
}
