import type { Release } from "@shared/api/types";
import { formatMass, formatMomentWithZone } from "@shared/i18n/format";
import { LOOKS, type Look } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Tag } from "@shared/react/parts";
import { useState } from "react";
import { ReasonDialog } from "../desk/reason_dialog";
import { useSite } from "../state/site";
import { ListPanel, newestFirst, type TableProps } from "./list_panel";

const merge = newestFirst<Release>((row) => row.release_id, (row) => row.valid_from);

const RELEASE_LOOKS: Record<Release["state"], Look> = {
  issued: LOOKS.outcome.waiting,
  at_gate: LOOKS.status.reserved,
  departed: LOOKS.outcome.good,
  expired: LOOKS.outcome.warning,
  cancelled: LOOKS.device.retired,
};

export function ReleasesTable(props: TableProps) {
  const { t } = useWords();
  const [leaving, setLeaving] = useState<Release | null>(null);
  const columns = [t("shipping.order"), t("shipping.state"), t("shipping.vehicle"), t("viewer.gate"), t("shipping.pallets"), t("shipping.validUntil"), ""];
  const row = (release: Release) => <Row key={release.release_id} release={release} onCancel={() => setLeaving(release)} />;
  return (
    <>
      <ListPanel {...props} list="releases" merge={merge} columns={columns} row={row} />
      {leaving && (
        <ReasonDialog
          title={t("shipping.cancelRelease", { order: leaving.reference ?? "–" })}
          path={`/releases/${encodeURIComponent(leaving.release_id)}/cancel`}
          action={t("shipping.act.cancel")}
          isDanger
          onClose={() => setLeaving(null)}
          onDone={props.onChanged}
        />
      )}
    </>
  );
}

function Row({ release, onCancel }: { release: Release; onCancel: () => void }) {
  const { t, locale } = useWords();
  const zone = useSite((state) => state.frame?.layout.time_zone);
  return (
    <tr>
      <th scope="row">
        <b>{release.reference ?? "–"}</b>
      </th>
      <td data-label={t("shipping.state")}>
        <Tag look={RELEASE_LOOKS[release.state]}>{t(`states.releases.${release.state}`)}</Tag>
      </td>
      <td data-label={t("shipping.vehicle")}>{release.plate ?? "–"}</td>
      <td data-label={t("viewer.gate")}>{release.gate_id}</td>
      <td data-label={t("shipping.pallets")}>
        <span>
          {t("viewer.pallets", { count: release.unit_ids.length })}
          <small>{formatMass(release.expected_mass_g, locale)}</small>
        </span>
      </td>
      <td data-label={t("shipping.validUntil")}>{formatMomentWithZone(release.valid_until, locale, zone)}</td>
      <td className="row-acts">
        {release.state === "issued" && (
          <button type="button" className="th-button" onClick={onCancel}>
            {t("shipping.act.cancel")}
          </button>
        )}
      </td>
    </tr>
  );
}
