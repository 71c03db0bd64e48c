/** The evidence of one lot: the interval, each kind of sensor with its age, what does not fit, and unit by unit why. */

import type { Evidence, Unit } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { formatMass, formatSscc } from "@shared/i18n/format";
import { LOOKS } from "@shared/icons";
import type { Translate } from "@shared/i18n/i18n";
import { useWords } from "@shared/react/page";
import { Age, Blank, Mark, ModalityAgeList, StatusTag, Tag } from "@shared/react/parts";
import { timeText } from "../data/moments";
import { itemName } from "../data/names";
import { type LotAtSite, useEvidence, useUnits } from "../data/queries";
import { chanceText } from "./chance";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, Panel, sentence, When } from "../parts/parts";
import { IntervalChart } from "./interval_chart";

type UnitEvidence = Evidence["units"][number];

export function EvidencePanel({ lotId, lot }: { lotId: string; lot: LotAtSite | undefined }) {
  const query = useEvidence(lotId);
  return (
    <div>
      <Answer query={query}>
        {(evidence) => (
          <>
            <Summary evidence={evidence} lot={lot} />
            <Discrepancies evidence={evidence} />
            <UnitTable evidence={evidence} siteId={lot?.site_id} />
          </>
        )}
      </Answer>
    </div>
  );
}

function Summary({ evidence, lot }: { evidence: Evidence; lot: LotAtSite | undefined }) {
  const { t, locale } = useWords();
  return (
    <Panel title={lot ? itemName(lot, locale) : t("bank.lot")} note={lot?.code}>
      <div className="verified">
        <IntervalChart value={evidence.verified} claimed={lot?.book.units ?? evidence.units.length} />
        {evidence.mass_g && (
          <p>
            {t("bank.massBetween", {
              low: formatMass(evidence.mass_g.low, locale),
              high: formatMass(evidence.mass_g.high, locale),
            })}
          </p>
        )}
        <ModalityAgeList ages={evidence.modalities} />
        <p className="th-soft">
          {evidence.as_of && (
            <>
              {t("bank.asOf")} <When at={evidence.as_of} /> ·{" "}
            </>
          )}
          {t("bank.onEvidence", { count: evidence.evidence_ids.length })}
        </p>
      </div>
    </Panel>
  );
}

function Discrepancies({ evidence }: { evidence: Evidence }) {
  const { t } = useWords();
  const ssccs = new Map(evidence.units.map((unit) => [unit.unit_id, unit.sscc]));
  return (
    <Panel title={t("bank.discrepancies")} note={t("bank.discrepanciesNote")}>
      {evidence.discrepancies.length === 0 ? (
        <Blank title={t("bank.noDiscrepancies")} />
      ) : (
        <ul className="rows">
          {evidence.discrepancies.map((found) => (
            <li key={`${found.kind} ${found.unit_id}`}>
              <div>
                <Tag look={LOOKS.outcome.warning}>{sentence(t, `bank.discrepancy.${found.kind}`, found.facts)}</Tag>{" "}
                <Sscc code={ssccs.get(found.unit_id) ?? found.unit_id} />
                <p>{sentence(t, found.text_key, found.facts)}</p>
                <p className="th-soft">
                  {t("bank.since")} <When at={found.since} />
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

/** A pallet's number as it is printed on its label, in groups. */
function Sscc({ code }: { code: string }) {
  return <span className="th-mono">{formatSscc(code)}</span>;
}

function UnitTable({ evidence, siteId }: { evidence: Evidence; siteId: string | undefined }) {
  const { t, locale } = useWords();
  const units = new Map((useUnits(siteId, evidence.lot_id).data ?? []).map((unit) => [unit.unit_id, unit]));
  const placeOf = (unit: UnitEvidence) => placeText(units.get(unit.unit_id), t);
  const columns: Column<UnitEvidence>[] = [
    { key: "unit", title: t("bank.unit"), draw: (unit) => <Sscc code={unit.sscc} />, value: (unit) => unit.sscc },
    {
      key: "probability",
      title: t("bank.probability"),
      isNumber: true,
      draw: (unit) => chanceText(unit.probability, locale),
      value: (unit) => unit.probability,
    },
    { key: "place", title: t("bank.seenAt"), draw: placeOf, value: placeOf },
    {
      key: "status",
      title: t("bank.mayLeave"),
      draw: (unit) => <Status unit={units.get(unit.unit_id)} />,
      value: (unit) => statusText(units.get(unit.unit_id), t),
    },
    {
      key: "seen",
      title: t("bank.lastSeen"),
      draw: (unit) => <Age at={lastSeen(unit)} />,
      value: (unit) => lastSeen(unit),
    },
  ];
  return (
    <Panel title={t("bank.unitByUnit")} actions={<ExportButton name={`evidence-${evidence.lot_id}`} columns={columns} rows={evidence.units} />}>
      <DataTable
        columns={columns}
        rows={evidence.units}
        rowKey={(unit) => unit.unit_id}
        empty={{ title: t("bank.noEvidence") }}
        detail={(unit) => <Reasons unit={unit} />}
      />
    </Panel>
  );
}

/** The slot it was last seen in, else what kind of place. */
function placeText(unit: Unit | undefined, t: Translate): string {
  if (unit === undefined) return "–";
  return unit.slot_id ?? t(`viewer.place.${unit.place}`);
}

/** What keeps the pallet here: who may see no more than that it is held reads so. */
function Status({ unit }: { unit: Unit | undefined }) {
  return unit === undefined ? null : <StatusTag status={unit.status} />;
}

function statusText(unit: Unit | undefined, t: Translate): string {
  return unit === undefined ? "" : t(`status.${unit.status}`);
}

function lastSeen(unit: UnitEvidence): string | null {
  return unit.reasons.map((reason) => reason.at).sort().at(-1) ?? null;
}

/** The device's part of `device:boot:sequence`. */
function deviceOf(observationId: string): string {
  return observationId.split(":").slice(0, -2).join(":");
}

function Reasons({ unit }: { unit: UnitEvidence }) {
  const { t, locale } = useWords();
  if (unit.reasons.length === 0) return <p className="th-soft">{t("bank.noEvidence")}</p>;
  return (
    <ul className="reasons">
      {unit.reasons.map((reason) => (
        <li key={reason.observation_id}>
          <Mark name="solid" color="--evidence-verified" />
          <span>
            {t(`modality.${reason.modality}`)} · {sentence(t, reason.text_key, reason.facts ?? {})}
            <small title={reason.observation_id}>
              {timeText(reason.at, locale)} · <Age at={reason.at} /> · {deviceName(deviceOf(reason.observation_id), t)}
            </small>
          </span>
        </li>
      ))}
    </ul>
  );
}
