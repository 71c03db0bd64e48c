import { useWords } from "@shared/react/page";
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
