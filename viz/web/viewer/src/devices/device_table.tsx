import type { Device } from "@shared/api/types";
import { deviceName, handheldShort } from "@shared/device_name";
import { formatCount, formatDate, formatShare } from "@shared/i18n/format";
import { LOOKS } from "@shared/icons";
import { DeviceHistoryDialog } from "@shared/react/device_history";
import { useWords } from "@shared/react/page";
import { Age, Blank, Icon, Mark, Tag } from "@shared/react/parts";
import { Dropdown } from "antd";
import { useState } from "react";
import { CalibrateDialog } from "./calibrate_dialog";
import { CommandDialog } from "../desk/command_dialog";
import { OrderDialog } from "./order_dialog";
import { byUrgency, shownState, skewText, STATES } from "./words";

/** A clock so far off, in milliseconds, wants a person: readings five minutes ahead are refused. */
const SKEW_MS_MAX = 30_000;

interface DeviceTableProps {
  devices: readonly Device[];
  /** Whether the person may enrol devices and take them out of service. */
  mayChange: boolean;
  /** Whether the person may have devices do something. */
  mayOrder: boolean;
  onEnrolAgain: (deviceId: string) => void;
  onEnrolAnew: (device: Device) => void;
  onQuarantine: (deviceId: string) => void;
  onChanged: () => void;
}

export function DeviceTable(props: DeviceTableProps) {
  const { t } = useWords();
  const [hasRetired, setHasRetired] = useState(false);
  const [leaving, setLeaving] = useState<Device | null>(null);
  const [calibrating, setCalibrating] = useState<Device | null>(null);
  const [reading, setReading] = useState<Device | null>(null);
  const [ordering, setOrdering] = useState<Device | null>(null);
  const retired = props.devices.filter((device) => device.retired_at !== null).length;
  const shown = props.devices.filter((device) => hasRetired || device.retired_at === null).sort(byUrgency);
  return (
    <section className="th-panel" aria-labelledby="device-list">
      <header className="panel-head">
        <h3 id="device-list">{t("devices.list")}</h3>
        <StateCounts devices={props.devices} />
        {retired > 0 && (
          <button type="button" className="th-button" data-kind="quiet" aria-pressed={hasRetired} onClick={() => setHasRetired(!hasRetired)}>
            {t(hasRetired ? "devices.hideRetired" : "devices.showRetired", { count: retired })}
          </button>
        )}
      </header>
      {shown.length === 0 ? (
        <Blank title={t("devices.none")}>
          <p>{t("devices.noneHow")}</p>
        </Blank>
      ) : (
        <table className="desk-table">
          <thead>
            <tr>
              <th scope="col">{t("devices.device")}</th>
              <th scope="col">{t("devices.state")}</th>
              <th scope="col">{t("devices.acceptance")}</th>
              <th scope="col">{t("devices.calibrated")}</th>
              <th scope="col">{t("devices.lastSeen")}</th>
              <th scope="col">{t("devices.clock")}</th>
              <th scope="col" className="number">{t("devices.errors")}</th>
              <th scope="col" className="number">{t("devices.missing")}</th>
              <th scope="col" className="number">{t("devices.quarantined")}</th>
              {(props.mayChange || props.mayOrder) && <td />}
            </tr>
          </thead>
          <tbody>
            {shown.map((device) => (
              <DeviceRow
                key={device.device_id}
                device={device}
                {...props}
                onRetire={() => setLeaving(device)}
                onCalibrate={() => setCalibrating(device)}
                onHistory={() => setReading(device)}
                onOrder={() => setOrdering(device)}
              />
            ))}
          </tbody>
        </table>
      )}
      {calibrating !== null && <CalibrateDialog device={calibrating} onClose={() => setCalibrating(null)} onChanged={props.onChanged} />}
      {ordering !== null && <OrderDialog device={ordering} onClose={() => setOrdering(null)} onChanged={props.onChanged} />}
      {reading !== null && <DeviceHistoryDialog device={reading} onClose={() => setReading(null)} />}
      {leaving !== null && <RetireDialog device={leaving} onClose={() => setLeaving(null)} onChanged={props.onChanged} />}
    </section>
  );
}

/** How many devices are in which state: whether all is well is read before any row. */
function StateCounts({ devices }: { devices: readonly Device[] }) {
  const { t } = useWords();
  return (
    <span className="state-counts">
      {STATES.filter((state) => state !== "retired").map((state) => {
        const count = devices.filter((device) => shownState(device) === state).length;
        if (count === 0) return null;
        return (
          <span key={state}>
            <Mark name={LOOKS.device[state].mark} color={LOOKS.device[state].color} />
            {t(`device.state.${state}`)} {count}
          </span>
        );
      })}
    </span>
  );
}

interface RowActions {
  device: Device;
  onRetire: () => void;
  onCalibrate: () => void;
  onHistory: () => void;
  onOrder: () => void;
}

function DeviceRow(props: DeviceTableProps & RowActions) {
  const { t, locale } = useWords();
  const { device } = props;
  const state = shownState(device);
  const isOff = Math.abs(device.clock_skew_ms ?? 0) >= SKEW_MS_MAX;
  return (
    <tr data-state={state}>
      <th scope="row">
        <b>{deviceName(device.device_id, t)}</b>
        {handheldShort(device.device_id) === null && <small>{locale === "zh" ? device.family_name_zh : device.family_name_en}</small>}
        {device.tier !== null && <small title={t("devices.tierHow")}>{t(`devices.tier.${device.tier}`)}</small>}
      </th>
      <td data-label={t("devices.state")}>
        <span title={t(`device.stateHow.${state}`)}>
          <Tag look={LOOKS.device[state]}>{t(`device.state.${state}`)}</Tag>
        </span>
      </td>
      <td data-label={t("devices.acceptance")}>
        <Acceptance device={device} />
      </td>
      <td data-label={t("devices.calibrated")}>
        <Calibrated until={device.calibrated_until} />
      </td>
      <td data-label={t("devices.lastSeen")}>
        <Age at={device.last_seen_at} />
      </td>
      <td data-label={t("devices.clock")} className={isOff ? undefined : "th-soft"}>
        {isOff && <Mark name="triangle" color="--grade-check" />} {skewText(device.clock_skew_ms, t)}
      </td>
      <td data-label={t("devices.errors")} className="number" title={device.error_rate === null ? undefined : t("devices.errorRate", { share: formatShare(device.error_rate, locale) })}><Amount value={device.error_count} /></td>
      <td data-label={t("devices.missing")} className="number"><Amount value={device.missing_count} /></td>
      <td data-label={t("devices.quarantined")} className="number">
        {device.quarantined === 0 ? (
          <Amount value={0} />
        ) : (
          <button type="button" className="link" onClick={() => props.onQuarantine(device.device_id)}>
            <Amount value={device.quarantined} />
          </button>
        )}
      </td>
      {(props.mayChange || props.mayOrder) && (
        <td className="row-menu">
          <RowMenu {...props} />
        </td>
      )}
    </tr>
  );
}

/** Until when the device's certificate holds; one that has run out stands out. */
function Calibrated({ until }: { until: string | null }) {
  const { t, locale } = useWords();
  if (until === null) return <span className="th-faint">–</span>;
  const isOver = Date.parse(until) < Date.now();
  return (
    <span className={isOver ? undefined : "th-soft"}>
      {isOver && <Mark name="triangle" color="--grade-check" />} {t(isOver ? "devices.calibratedOver" : "devices.calibratedUntil", { date: formatDate(until, locale) })}
    </span>
  );
}

/** Whether another party vouches for the device; until one does, what it says is no evidence. */
function Acceptance({ device }: { device: Device }) {
  const { t } = useWords();
  if (device.acceptance === "not_needed" || device.retired_at !== null) return <span className="th-faint">–</span>;
  if (device.acceptance === "accepted") return <span title={t("devices.acceptedHow")}>{t("devices.acceptedBy", { party: device.acceptances.map((one) => one.party ?? "–") })}</span>;
  return (
    <span title={t("devices.waitingHow")}>
      <Tag look={LOOKS.outcome.warning}>{t("devices.waiting")}</Tag>
    </span>
  );
}

/** A count that is not zero stands out; zero is what everybody hopes for. */
function Amount({ value }: { value: number }) {
  const { locale } = useWords();
  return value === 0 ? <span className="th-faint">0</span> : <b>{formatCount(value, locale)}</b>;
}

function RowMenu(props: RowActions & Pick<DeviceTableProps, "onEnrolAgain" | "onEnrolAnew" | "mayChange" | "mayOrder">) {
  const { t } = useWords();
  const { device_id: deviceId, family, retired_at: retiredAt } = props.device;
  const { mayChange } = props;
  const canOrder = props.mayOrder && retiredAt === null && Object.keys(props.device.orders).length > 0;
  const items = [
    ...(canOrder ? [{ key: "order", label: t("devices.giveOrderTo"), onClick: props.onOrder }] : []),
    ...(mayChange && family === "pda" ? [{ key: "again", label: t("devices.enrolAgain"), onClick: () => props.onEnrolAgain(deviceId) }] : []),
    ...(mayChange && family !== "pda" ? [{ key: "anew", label: t("devices.enrolAnew"), onClick: () => props.onEnrolAnew(props.device) }] : []),
    { key: "history", label: t("devices.history"), onClick: props.onHistory },
    ...(mayChange && retiredAt === null && family !== "pda" ? [{ key: "calibrate", label: t("devices.calibrate"), onClick: props.onCalibrate }] : []),
    ...(mayChange && retiredAt === null ? [{ key: "retire", danger: true, label: t("devices.retire"), onClick: props.onRetire }] : []),
  ];
  return (
    <Dropdown trigger={["click"]} menu={{ items }}>
      <button type="button" className="th-button" data-kind="icon" aria-label={t("devices.actionsOf", { device: deviceName(deviceId, t) })}>
        <Icon name="dots" />
      </button>
    </Dropdown>
  );
}

function RetireDialog({ device, onClose, onChanged }: { device: Device; onClose: () => void; onChanged: () => void }) {
  const { t } = useWords();
  return (
    <CommandDialog
      title={t("devices.retireTitle", { device: deviceName(device.device_id, t) })}
      path={`/devices/${encodeURIComponent(device.device_id)}/retire`}
      action={t("devices.retire")}
      isDanger
      onDone={onChanged}
      onClose={onClose}
    >
      <p>{t("devices.retireHow")}</p>
    </CommandDialog>
  );
}
