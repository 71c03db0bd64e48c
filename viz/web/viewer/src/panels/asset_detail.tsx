import { useWords } from "@shared/react/page";
import { Age } from "@shared/react/parts";
import { useSite } from "../state/site";
import { goToUnit } from "./go_to";
import { DetailHead, Fact } from "./detail_parts";

/** A forklift, a person or a truck. People have a number here and never a name. */
export function AssetDetail({ assetId }: { assetId: string }) {
  const { t } = useWords();
  const asset = useSite((state) => state.assets.get(assetId));
  const stock = useSite((state) => state.stock);
  if (!asset) return null;
  const load = asset.load_epc && [...(stock?.units.values() ?? [])].find((unit) => unit.epc_hex === asset.load_epc);
  return (
    <article className="detail">
      <DetailHead title={asset.label} sub={t(`viewer.asset.${asset.kind}`)} />
      <dl className="facts">
        <Fact name={t("viewer.heard")}>
          <Age at={asset.at} />
        </Fact>
        {asset.kind === "forklift" && (
          <Fact name={t("viewer.load")}>
            {load ? (
              <button type="button" className="link" onClick={() => goToUnit(load.unit_id)}>
                {load.sku}
              </button>
            ) : (
              (asset.load_epc ?? t("common.none"))
            )}
          </Fact>
        )}
        {asset.kind === "person" && <Fact name={t("viewer.privacy")}>{t("viewer.privacyWords")}</Fact>}
      </dl>
    </article>
  );
}
