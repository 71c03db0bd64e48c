/** Alarms of the sites where the person has goods or money, active ones and on demand those closed. To look at: the site deals with them. */

import type { Alarm } from "@shared/api/types";
import { formatCount } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { GradeTag } from "@shared/react/parts";
import { useState } from "react";
import { useSiteName } from "../data/names";
import { useAlarms, useClosedAlarms, useLots } from "../data/queries";
import { EvidenceTrail } from "../facilities/frozen_banner";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, Moment, PageHead, Panel, sentence } from "../parts/parts";
import { useSignedIn } from "../parts/session";

const GRADE_ORDER = { freeze: 0, restrict: 1, check: 2, note: 3 } as const;

export function AlarmsPage() {
  const { t } = useWords();
  const session = useSignedIn();
  const acknowledged: Column<Alarm> = {
    key: "acknowledged",
    title: t("bank.acknowledged"),
    draw: (alarm) => (alarm.acknowledged_at ? <Moment at={alarm.acknowledged_at} /> : t("bank.notYet")),
    value: (alarm) => alarm.acknowledged_at,
  };
  const columns = [...useColumns(), acknowledged];
  return (
    <>
      <PageHead title={t("bank.alarms")} sub={t("bank.alarmsSub")} />
      <Answer query={useAlarms(session.sites)}>
        {(alarms) => (
          <Panel title={t("bank.activeAlarms")} actions={<ExportButton name="alarms" columns={columns} rows={alarms} />}>
            <Alarms columns={columns} rows={alarms} empty={{ title: t("bank.noAlarms"), hint: t("bank.noAlarmsHint") }} />
          </Panel>
        )}
      </Answer>
      <ClosedAlarms />
    </>
  );
}

function ClosedAlarms() {
  const { t } = useWords();
  const session = useSignedIn();
  const [isShown, setShown] = useState(false);
  const query = useClosedAlarms(session.sites, isShown);
  const closed: Column<Alarm> = {
    key: "closed",
    title: t("bank.alarmClosed"),
    draw: (alarm) => (
      <span className="name">
        {alarm.cleared_at && <Moment at={alarm.cleared_at} />}
        {alarm.clear_reason && <small>{alarm.clear_reason}</small>}
      </span>
    ),
    value: (alarm) => alarm.cleared_at,
  };
  const columns = [...useColumns(), closed];
  const actions = isShown ? (
    <ExportButton name="closed-alarms" columns={columns} rows={query.data ?? []} />
  ) : (
    <button type="button" className="th-button" data-kind="quiet" onClick={() => setShown(true)}>
      {t("bank.showClosed")}
    </button>
  );
  return (
    <Panel title={t("bank.closedAlarms")} actions={actions}>
      {isShown && <Answer query={query}>{(alarms) => <Alarms columns={columns} rows={alarms} empty={{ title: t("bank.noClosedAlarms") }} />}</Answer>}
    </Panel>
  );
}

interface AlarmsProps {
  columns: readonly Column<Alarm>[];
  rows: readonly Alarm[];
  empty: { title: string; hint?: string };
}

function Alarms(props: AlarmsProps) {
  return <DataTable {...props} rowKey={(alarm) => alarm.alarm_id} detail={(alarm) => <EvidenceTrail evidence={alarm.evidence} />} />;
}

/** What is said of every alarm, whatever its state. */
function useColumns(): Column<Alarm>[] {
  const { t, locale } = useWords();
  const lots = useLots(useSignedIn().sites).data ?? [];
  const siteOf = useSiteName();
  const codeOf = (lotId: string) => lots.find((lot) => lot.lot_id === lotId)?.code ?? lotId;
  return [
    { key: "grade", title: t("bank.grade"), draw: (alarm) => <GradeTag grade={alarm.grade} />, value: (alarm) => GRADE_ORDER[alarm.grade] },
    { key: "what", title: t("bank.what"), draw: (alarm) => <span className="sentence">{sentence(t, alarm.text_key, alarm.facts)}</span>, value: (alarm) => sentence(t, alarm.text_key, alarm.facts) },
    { key: "site", title: t("bank.site"), isFileOnly: true, draw: (alarm) => siteOf(alarm.site_id), value: (alarm) => siteOf(alarm.site_id) },
    {
      key: "lots",
      title: t("bank.lots"),
      draw: (alarm) => (
        <span className="name">
          {alarm.lot_ids.map((id) => (
            <a key={id} className="link" href={`#/stock/${encodeURIComponent(id)}`}>
              {codeOf(id)}
            </a>
          ))}
          <small>{siteOf(alarm.site_id)}</small>
        </span>
      ),
      value: (alarm) => alarm.lot_ids.map(codeOf).join(" "),
    },
    { key: "pallets", title: t("bank.pallets"), isNumber: true, draw: (alarm) => formatCount(alarm.unit_ids.length, locale), value: (alarm) => alarm.unit_ids.length },
    { key: "at", title: t("bank.at"), draw: (alarm) => <Moment at={alarm.raised_at} />, value: (alarm) => alarm.raised_at },
  ];
}
