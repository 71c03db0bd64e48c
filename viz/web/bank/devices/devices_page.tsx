/** The devices whose word the bank lends on: who enrolled each, where it hangs, and whether the bank accepted it. */

import { useState } from "react";
import type { Device } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { formatDate } from "@shared/i18n/format";
import { LOOKS } from "@shared/icons";
import { DeviceHistoryDialog } from "@shared/react/device_history";
import { useWords } from "@shared/react/page";
import { Age, Blank, Tag } from "@shared/react/parts";
import { siteText } from "../data/names";
import { useDevices, useInspectedSites, waitsForUs } from "../data/queries";
import { mayAcceptDevices, seesDevices } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, PageHead, Panel, StateTag } from "../parts/parts";
import { ReasonDialog } from "../parts/reason_dialog";
import { useSignedIn } from "../parts/session";
import { AcceptDialog } from "./accept_dialog";
import { ByWhom } from "./by_whom";
import { reachedAt } from "./reached";
import { TaresPanel } from "./tares_panel";

export function DevicesPage() {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const invited = useInspectedSites(seesDevices(session));
  if (!seesDevices(session)) return <Blank title={t("bank.devicesNotForYou")} />;
  return (
    <>
      <PageHead title={t("bank.devices")} sub={t("bank.devicesSub")} />
      <Answer query={invited}>
        {(sites) => {
          if (sites.length === 0) return <Blank title={t("bank.noDevices")}>{t("bank.noDevicesHint")}</Blank>;
          return sites.map((site) => <SiteDevices key={site.site_id} siteId={site.site_id} name={siteText(site, locale)} />);
        }}
      </Answer>
    </>
  );
}

function SiteDevices({ siteId, name }: { siteId: string; name: string }) {
  const query = useDevices(siteId);
  const columns = useDeviceColumns();
  return (
    <>
      <Answer query={query}>{(devices) => <DevicePanel name={name} columns={columns} devices={devices} />}</Answer>
      <TaresPanel siteId={siteId} site={name} />
    </>
  );
}

function DevicePanel({ name, columns, devices }: { name: string; columns: Column<Device>[]; devices: readonly Device[] }) {
  const { t } = useWords();
  const asked = devices.filter((device) => device.acceptance !== "not_needed");
  const waiting = asked.filter(waitsForUs);
  const waitingFirst = asked.toSorted((a, b) => urgency(a) - urgency(b));
  const note = waiting.length > 0 ? t("bank.devicesWaiting", { count: waiting.length }) : t("bank.devicesAllAccepted");
  return (
    <Panel title={name} note={note} actions={<ExportButton name="devices" columns={columns} rows={waitingFirst} />}>
      <DataTable columns={columns} rows={waitingFirst} rowKey={(device) => device.device_id} empty={{ title: t("bank.noDevices") }} />
    </Panel>
  );
}

/** What waits for the bank stands first, what is out of service last. */
function urgency(device: Device): number {
  if (device.retired_at !== null) return 2;
  return waitsForUs(device) ? 0 : 1;
}

function useDeviceColumns(): Column<Device>[] {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const familyOf = (device: Device) => (locale === "zh" ? device.family_name_zh : device.family_name_en);
  return [
    {
      key: "device",
      title: t("devices.device"),
      draw: (device) => (
        <span className="name">
          {deviceName(device.device_id, t)}
          <small>{familyOf(device)}</small>
        </span>
      ),
      value: (device) => device.device_id,
    },
    { key: "family", title: t("bank.deviceKind"), isFileOnly: true, draw: familyOf, value: familyOf },
    {
      key: "mount",
      title: t("bank.mount"),
      draw: (device) => (
        <span className="name">
          {device.mount_id ?? t("bank.noMount")}
          <small>{reachedAt(device)}</small>
        </span>
      ),
      value: (device) => device.mount_id ?? "",
    },
    { key: "reached", title: t("bank.reachedAt"), isFileOnly: true, draw: (device) => reachedAt(device) || "–", value: reachedAt },
    {
      key: "state",
      title: t("devices.state"),
      draw: (device) => (
        <span className="name">
          <Tag look={LOOKS.device[device.state]}>{t(`device.state.${device.state}`)}</Tag>
          <small>
            <Age at={device.last_seen_at} />
          </small>
        </span>
      ),
      value: (device) => t(`device.state.${device.state}`),
    },
    { key: "seen", title: t("devices.lastSeen"), isFileOnly: true, draw: (device) => <Age at={device.last_seen_at} />, value: (device) => device.last_seen_at ?? "" },
    {
      key: "enrolled",
      title: t("bank.enrolledBy"),
      draw: (device) => <ByWhom name={device.enrolled_by} at={device.enrolled_at} />,
      value: (device) => device.enrolled_by ?? "",
    },
    {
      key: "acceptance",
      title: t("bank.acceptance"),
      draw: (device) => <Acceptances device={device} />,
      value: (device) => device.acceptances.map((one) => `${one.party ?? "–"} ${one.accepted_at}`).join("; "),
    },
    {
      key: "calibrated",
      title: t("devices.calibrated"),
      draw: (device) => (device.calibrated_until === null ? <span className="th-faint">–</span> : formatDate(device.calibrated_until, locale)),
      value: (device) => device.calibrated_until ?? "",
    },
    { key: "tier", title: t("bank.tier"), isFileOnly: true, draw: (device) => device.tier, value: (device) => device.tier ?? "" },
    {
      key: "act",
      title: "",
      draw: (device) => (
        <span className="device-acts">
          <HistoryButton device={device} />
          {mayAcceptDevices(session) && <Act device={device} familyName={familyOf(device)} />}
        </span>
      ),
      value: () => "",
    },
  ];
}

/** By whom it is accepted, and that the bank itself has not done so. A device out of service says nothing. */
function Acceptances({ device }: { device: Device }) {
  const { t } = useWords();
  if (device.retired_at !== null) return <StateTag state="retired" />;
  return (
    <>
      {waitsForUs(device) && <StateTag state="waiting_acceptance" />}
      {device.acceptances.map((one) => (
        <ByWhom key={one.accepted_at + one.party} name={one.party} at={one.accepted_at} />
      ))}
      {device.key_held_by !== null && <small>{t("bank.keyHeldByShort", { party: device.key_held_by })}</small>}
    </>
  );
}

function Act({ device, familyName }: { device: Device; familyName: string }) {
  const { t } = useWords();
  const name = deviceName(device.device_id, t);
  const [isAccepting, setAccepting] = useState(false);
  if (device.retired_at !== null) return null;
  // Once accepted the device waits no longer, and its new credential is still to be read.
  if (waitsForUs(device) || isAccepting) {
    return (
      <>
        <button type="button" className="th-button" data-kind="primary" onClick={() => setAccepting(true)}>
          {t("bank.accept")}
        </button>
        {isAccepting && <AcceptDialog device={device} familyName={familyName} onClose={() => setAccepting(false)} />}
      </>
    );
  }
  return (
    <DialogButton
      text={t("bank.distrustShort")}
      dialog={(close) => (
        <ReasonDialog
          title={t("bank.distrustTitle", { device: name })}
          path={`/devices/${encodeURIComponent(device.device_id)}/distrust`}
          how={t("bank.distrustHow")}
          action={t("bank.distrust")}
          onClose={close}
        />
      )}
    />
  );
}

function HistoryButton({ device }: { device: Device }) {
  const { t } = useWords();
  return <DialogButton text={t("devices.history")} dialog={(close) => <DeviceHistoryDialog device={device} onClose={close} />} />;
}
