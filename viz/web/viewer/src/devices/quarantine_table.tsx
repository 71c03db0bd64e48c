import type { QuarantineRow } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { formatCount, formatMomentWithZone } from "@shared/i18n/format";
import type { Translate } from "@shared/i18n/i18n";
import { i18n, useWords } from "@shared/react/page";
import { Age, Blank, Icon, Loading, Mark, Problem } from "@shared/react/parts";
import { useSite } from "../state/site";
import { usePages } from "../desk/pages";
import { sayRule } from "../desk/rules";
import { fieldText, mergeQuarantine } from "./words";

interface QuarantineTableProps {
  path: string;
  /** Shows what this device sent alone; null shows all. */
  sender: string | null;
  onSender: (sender: string | null) => void;
  everyMs: number;
}

/** What was sent and could not be accepted: by whom, which field broke which rule, how often, and its first bytes. */
export function QuarantineTable({ path, sender, onSender, everyMs }: QuarantineTableProps) {
  const { t } = useWords();
  const { rows, failure, again, older } = usePages<QuarantineRow>(`${path}/quarantine`, mergeQuarantine, everyMs);
  const shown = rows?.filter((row) => sender === null || row.device_id === sender);
  return (
    <section className="th-panel" aria-labelledby="quarantine-list" data-testid="quarantine">
      <header className="panel-head">
        <h3 id="quarantine-list">{t("devices.quarantine")}</h3>
        <span className="th-soft">{t("devices.quarantineSub")}</span>
        {sender !== null && (
          <button type="button" className="th-button" onClick={() => onSender(null)}>
            {t("devices.onlyOf", { device: deviceName(sender, t) })}
            <Icon name="close" />
          </button>
        )}
      </header>
      {failure !== null && <Problem error={failure} onRetry={again} />}
      {shown === undefined && failure === null && <Loading />}
      {shown?.length === 0 && <Nothing />}
      {shown !== undefined && shown.length > 0 && (
        <table className="desk-table">
          <thead>
            <tr>
              <th scope="col">{t("devices.when")}</th>
              <th scope="col">{t("devices.device")}</th>
              <th scope="col">{t("devices.broken")}</th>
              <th scope="col">{t("devices.sent")}</th>
              <th scope="col" className="number">{t("devices.times")}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row key={row.quarantine_id} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {older !== null && (
        <button type="button" className="th-button older" disabled={older.isBusy} onClick={older.read}>
          {t("devices.older")}
        </button>
      )}
    </section>
  );
}

function Nothing() {
  const { t } = useWords();
  return (
    <Blank title={t("devices.quarantineNone")}>
      <p>{t("devices.quarantineNoneHow")}</p>
    </Blank>
  );
}

/** Strangers beyond those that are listed one by one count up under this name. */
const MANY = "*";

function senderName(deviceId: string, t: Translate): string {
  return deviceId === MANY ? t("devices.manyStrangers") : deviceName(deviceId, t);
}

function Row({ row }: { row: QuarantineRow }) {
  const { t, locale } = useWords();
  const zone = useSite((state) => state.frame?.layout.time_zone);
  const has = (key: string) => i18n.has(key);
  return (
    <tr>
      <td data-label={t("devices.when")}>
        <Age at={row.last_received_at} />
        {row.times > 1 && <small>{t("devices.firstAt", { at: formatMomentWithZone(row.received_at, locale, zone) })}</small>}
      </td>
      <th scope="row" data-label={t("devices.device")}>
        <b>{senderName(row.device_id, t)}</b>
        {row.is_stranger && (
          <small className="stranger">
            <Mark name="triangle" color="--grade-check" />
            {t("devices.notEnrolled")}
          </small>
        )}
      </th>
      <td data-label={t("devices.broken")}>
        <span>{fieldText(row.field, t, has)}</span>
        <small>{t("devices.mustBe", { rule: sayRule(row.rule, locale) })}</small>
      </td>
      <td data-label={t("devices.sent")} className="sent">
        <details>
          <summary className="th-mono">{row.raw_preview || t("devices.noBytes")}</summary>
          <small>
            <span className="th-mono">{row.field}</span> · <span className="th-mono">{row.rule}</span>
            {row.sequence !== null && <> · {t("devices.identity", { boot: row.boot, sequence: row.sequence })}</>}
          </small>
        </details>
      </td>
      <td data-label={t("devices.times")} className="number">{formatCount(row.times, locale)}</td>
    </tr>
  );
}
