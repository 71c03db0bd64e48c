import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import type { ReactNode } from "react";
import { flyToSelection } from "../keys";
import { useView } from "../state/view";
import { AlarmDetail } from "./alarm_detail";
import { AssetDetail } from "./asset_detail";
import { UnitDetailPanel } from "./unit_detail";

/** Everything known about what is selected. */
export function SelectionPanel() {
  const { t } = useWords();
  const selection = useView((view) => view.selection);
  if (!selection) return <p className="hint select-hint">{t("viewer.selectHint")}</p>;
  if (selection.kind === "unit") return <UnitDetailPanel key={selection.id} unitId={selection.id} />;
  if (selection.kind === "asset") return <AssetDetail assetId={selection.id} />;
  return <AlarmDetail alarmId={selection.id} />;
}

/** Heading of a selection with its two tools: fly there, and close. */
export function DetailHead({ title, sub, children }: { title: string; sub?: string; children?: ReactNode }) {
  const { t } = useWords();
  const select = useView((view) => view.select);
  return (
    <header className="detail-head">
      <div>
        <h2>{title}</h2>
        {sub && <p className="th-soft">{sub}</p>}
      </div>
      <span className="detail-tools">
        <button type="button" className="th-button" data-kind="icon" title={t("viewer.flyTo")} aria-label={t("viewer.flyTo")} onClick={flyToSelection}>
          <Icon name="locate" />
        </button>
        <button type="button" className="th-button" data-kind="icon" title={t("common.close")} aria-label={t("common.close")} onClick={() => select(null)}>
          <Icon name="close" />
        </button>
      </span>
      {children}
    </header>
  );
}
