import { formatSscc } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Age, EvidenceTag, StatusTag } from "@shared/react/parts";
import { sceneLink } from "../scene/current";
import type { Hover } from "../scene/link";
import { useSite } from "../state/site";

/** What the pointer is on, in three lines, beside it. */
export function HoverCard({ hover }: { hover: Hover | null }) {
  if (!hover) return null;
  const isLow = hover.y > window.innerHeight - 180;
  const isRight = hover.x > window.innerWidth - 300;
  const style = {
    transform: `translate(${hover.x}px, ${hover.y}px) translate(${isRight ? "calc(-100% - 14px)" : "14px"}, ${isLow ? "calc(-100% - 14px)" : "14px"})`,
  };
  return (
    <div className="hover-card" style={style} aria-hidden="true">
      {hover.picked.kind === "asset" ? <AssetLines assetId={hover.picked.id} /> : <UnitLines hover={hover} />}
    </div>
  );
}

function UnitLines({ hover }: { hover: Hover }) {
  const unit = sceneLink()?.unitOf(hover.picked);
  if (!unit) return null;
  return (
    <>
      <b>{unit.slot_id ?? formatSscc(unit.sscc)}</b>
      <span>{unit.sku}</span>
      <span className="hover-tags">
        <EvidenceTag state={unit.evidence} />
        {unit.status !== "free" && <StatusTag status={unit.status} />}
      </span>
      <span className="th-faint">
        <Age at={unit.last_seen_at} />
      </span>
    </>
  );
}

function AssetLines({ assetId }: { assetId: string }) {
  const { t } = useWords();
  const asset = useSite((state) => state.assets.get(assetId));
  if (!asset) return null;
  return (
    <>
      <b>{asset.label}</b>
      <span>{t(`viewer.asset.${asset.kind}`)}</span>
      {asset.load_epc && <span className="th-mono">{asset.load_epc}</span>}
    </>
  );
}
