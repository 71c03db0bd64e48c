import { api } from "@shared/api/client";
import type { ModalityAges, Role, Unit, UnitDetail } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { formatCount, formatMass, formatSscc } from "@shared/i18n/format";
import type { Translate } from "@shared/i18n/i18n";
import { BANK_ROLES } from "@shared/react/bar";
import { useWords } from "@shared/react/page";
import { Age, EvidenceTag, GradeTag, Loading, Mark, Problem, StatusTag, Tag } from "@shared/react/parts";
import { LOOKS } from "@shared/icons";
import { lazy, Suspense, useEffect, useState } from "react";
import { useHasRole } from "../state/place";
import { useSite } from "../state/site";
import { say } from "./say";
import { DetailHead, Fact } from "./detail_parts";

/** Loaded when somebody prints: its parts are heavy. */
const LabelDialog = lazy(() => import("./label_dialog"));

const MAY_PRINT: Role[] = ["operator", "keeper"];

type Fetched = { detail: UnitDetail | null; failure: unknown; retry: () => void };

/** The full record of a unit, read again whenever its state in the scene changes. */
function useUnitDetail(unitId: string, unit: Unit | undefined): Fetched {
  const siteId = useSite((state) => state.site!.site_id);
  const [detail, setDetail] = useState<UnitDetail | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const path = `/sites/${encodeURIComponent(siteId)}/units/${encodeURIComponent(unitId)}`;
    api
      .get<UnitDetail>(path, { signal: stop.signal })
      .then((answer) => {
        setDetail(answer);
        setFailure(null);
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setFailure(error);
      });
    return () => stop.abort();
  }, [siteId, unitId, unit, attempt]);
  return { detail, failure, retry: () => setAttempt(attempt + 1) };
}

export function UnitDetailPanel({ unitId }: { unitId: string }) {
  const { t, locale } = useWords();
  const version = useSite((state) => state.stockVersion);
  const unit = version > 0 ? useSite.getState().stock?.units.get(unitId) : undefined;
  const lot = useSite((state) => state.lots.get(unit?.lot_id ?? ""));
  const { detail, failure, retry } = useUnitDetail(unitId, unit);
  const mayPrint = useHasRole(MAY_PRINT);
  const [isPrinting, setPrinting] = useState(false);
  if (!unit) return null;
  // Neither "seen" nor "free" is true of what is not here.
  const hasLeft = unit.place === "left";
  const count = formatCount(unit.quantity_each, locale);
  return (
    <article className="detail">
      <DetailHead title={unit.slot_id ?? t(`viewer.place.${unit.place}`)} sub={unit.sku}>
        <div className="detail-tags">
          {(!hasLeft || unit.evidence === "missing") && <EvidenceTag state={unit.evidence} />}
          {hasLeft && <Tag look={LOOKS.evidence.claimed}>{t("viewer.place.left")}</Tag>}
          {(!hasLeft || unit.status !== "free") && <StatusTag status={unit.status} />}
          {unit.alarm && <GradeTag grade={unit.alarm} />}
        </div>
      </DetailHead>
      <ClaimAgainstEvidence unit={unit} detail={detail} />
      <dl className="facts">
        <Fact name={t("viewer.sscc")} isCode>{formatSscc(unit.sscc)}</Fact>
        <Fact name={t("viewer.tag")} isCode>{unit.epc_hex ?? t("common.none")}</Fact>
        <Fact name={t("viewer.lot")} isCode>{lot?.code ?? unit.lot_id}</Fact>
        <Fact name={t("viewer.quantity")}>{t("viewer.pieces", { count: unit.quantity_each, number: count })}</Fact>
        {detail && <Fact name={t("viewer.owner")}>{lot?.owner_name ?? detail.owner}</Fact>}
        {detail?.hold && <Fact name={t("viewer.hold")}>{say(`hold.${detail.hold.reason_code}`, {}, "hold.other")}</Fact>}
        {detail?.receipt_id && <Fact name={t("viewer.receipt")}><ReceiptLink receiptId={detail.receipt_id} /></Fact>}
      </dl>
      {mayPrint && (
        <button type="button" className="th-button" onClick={() => setPrinting(true)}>
          {t("viewer.printLabel")}
        </button>
      )}
      {isPrinting && (
        <Suspense fallback={<Loading />}>
          <LabelDialog unit={unit} onClose={() => setPrinting(false)} />
        </Suspense>
      )}
      {failure !== null && <Problem error={failure} onRetry={retry} />}
      {detail ? <Sightings detail={detail} /> : failure === null && <Loading />}
    </article>
  );
}

/** A receipt has its own page for those who are admitted there; others read that there is one. */
function ReceiptLink({ receiptId }: { receiptId: string }) {
  const { t } = useWords();
  const mayOpen = useHasRole(BANK_ROLES);
  if (!mayOpen) return <>{t("viewer.underReceipt")}</>;
  return (
    <a className="link" href={`/bank/#/receipts/${encodeURIComponent(receiptId)}`}>
      {t("viewer.openReceipt")}
    </a>
  );
}

/** Where sensors saw the unit. A place that only the books claim is never repeated here as if it had been seen. */
function seenPlace(unit: Unit, t: Translate): string {
  if (unit.evidence === "missing") return t("evidence.missing");
  if (unit.evidence === "claimed") return t("viewer.notSeen");
  return unit.slot_id ?? t(`viewer.place.${unit.place}`);
}

/** The two sides next to each other: what the books say, and what sensors saw. Where they differ, it is marked. */
function ClaimAgainstEvidence({ unit, detail }: { unit: Unit; detail: UnitDetail | null }) {
  const { t, locale } = useWords();
  const claim = detail?.claims[0];
  const mass = (grams: number | null | undefined, none: string) => (grams == null ? t(none) : formatMass(grams, locale));
  return (
    <table className="versus">
      <thead>
        <tr>
          <td />
          <th scope="col">{t("viewer.books")}</th>
          <th scope="col">{t("viewer.sensors")}</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">{t("viewer.where")}</th>
          <td>{claim ? (claim.slot_id ?? t("viewer.place.left")) : "–"}</td>
          <td>{seenPlace(unit, t)}</td>
        </tr>
        <tr>
          <th scope="row">{t("viewer.mass")}</th>
          <td>{detail ? mass(detail.expected_mass_g, "viewer.notStated") : "–"}</td>
          <td>{mass(unit.mass_g, "viewer.notWeighed")}</td>
        </tr>
        <tr>
          <th scope="row">{t("viewer.since")}</th>
          <td>{claim ? <Age at={claim.claimed_at} /> : "–"}</td>
          <td><Age at={unit.last_seen_at} /></td>
        </tr>
      </tbody>
    </table>
  );
}

const MODALITY_OF_KIND: Record<string, keyof ModalityAges> = {
  tag_read: "tag",
  mass: "mass",
  position: "position",
  load_change: "position",
  sight: "sight",
};

/** Each observation the belief rests on, newest first. */
function Sightings({ detail }: { detail: UnitDetail }) {
  const { t } = useWords();
  return (
    <section className="sightings">
      <h3>{t("viewer.sightings")}</h3>
      <ModalityRow detail={detail} />
      {detail.sightings.length === 0 && <p className="th-faint">{t("viewer.noSightings")}</p>}
      <ol className="timeline">
        {detail.sightings.map((row) => (
          <li key={row.observation_id}>
            <Mark name={row.kind === "scan" ? "hollow" : "dot"} color={row.kind === "scan" ? "--evidence-claimed" : "--evidence-verified"} />
            <div>
              <span>{say(row.text_key, row.facts, `sighting.${row.kind}`)}</span>
              <small className="th-faint">
                {deviceName(row.device_id, t)} · <Age at={row.at} />
              </small>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** When each kind of sensor last saw the unit; since it went out, none of that counts. */
function ModalityRow({ detail }: { detail: UnitDetail }) {
  const { t } = useWords();
  const newest = (modality: string) =>
    detail.sightings.find((row) => (MODALITY_OF_KIND[row.kind] ?? row.kind) === modality)?.at ?? null;
  return (
    <ul className="modality-row">
      {(["tag", "position", "mass", "sight"] as const).map((modality) => {
        const isSeen = detail.modalities.includes(modality);
        const at = newest(modality) ?? (isSeen ? detail.last_seen_at : null);
        return (
          <li key={modality} data-seen={isSeen}>
            <Mark name={isSeen ? LOOKS.evidence.verified.mark : LOOKS.evidence.claimed.mark} />
            <b>{t(`modality.${modality}`)}</b>
            <small><Age at={at} /></small>
            {at !== null && !isSeen && <small>{t("viewer.noLongerCounts")}</small>}
          </li>
        );
      })}
    </ul>
  );
}
