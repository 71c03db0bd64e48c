/** What is behind the menu: the scans of this device, its settings, and signing out. */

import { handheldShort } from "@shared/device_name";
import { formatTime, formatZone } from "@shared/i18n/format";
import { chooseTheme, currentTheme } from "@shared/theme/theme";
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { give } from "../feedback/feedback";
import type { Handheld } from "../handheld";
import type { KeptScan } from "../queue/store";
import { locale, t } from "../texts";
import { refusalText } from "./outcome";
import { Action, Facts, Icon, Mark } from "./parts";

/** Scans shown in the list, newest first. */
const SCANS_SHOWN_MAX = 100;

/** Scans carry the time of this device, so they are shown in its zone. */
const DEVICE_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const menu = signal<"closed" | "menu" | "scans" | "leave">("closed");
const goTo = (page: typeof menu.value) => () => {
  menu.value = page;
};

export function MenuScreen({ handheld }: { handheld: Handheld }) {
  if (menu.value === "scans") return <ScansScreen handheld={handheld} />;
  if (menu.value === "leave") return <LeaveScreen handheld={handheld} />;
  const { worker, device } = handheld;
  return (
    <div class="screen">
      <MenuHeading title={t("pda.menu")} onBack={goTo("closed")} />
      <section class="body menu">
        <Facts
          rows={[
            [t("pda.person"), worker.value?.person.display_name ?? "–"],
            [t("pda.device"), device.value === null ? "–" : (handheldShort(device.value.device_id) ?? device.value.device_id)],
            [t("pda.site"), siteName(handheld) ?? "–"],
          ]}
        />
        <MenuRow icon="list" text={t("pda.myScans")} onClick={goTo("scans")} />
        <MenuRow icon="bell" text={t("pda.trySignals")} onClick={trySignals} />
        <ThemeRow />
        <MenuRow
          icon="external"
          text={locale.value === "zh" ? "English" : "中文"}
          onClick={() => handheld.chooseLocale(locale.value === "zh" ? "en" : "zh")}
        />
        <MenuRow icon="person" text={t("common.signOut")} onClick={goTo("leave")} />
      </section>
    </div>
  );
}

function siteName(handheld: Handheld): string | undefined {
  const { site, device } = handheld;
  const name = locale.value === "zh" ? site.value?.name_zh : site.value?.name_en;
  return name ?? device.value?.site_id;
}

function trySignals(): void {
  give("accepted");
  window.setTimeout(() => give("refused"), 900);
}

function ThemeRow() {
  const [theme, setTheme] = useState(currentTheme());
  const other = theme === "dark" ? "light" : "dark";
  const change = () => {
    chooseTheme(other);
    setTheme(other);
  };
  const text = t(theme === "dark" ? "common.toLight" : "common.toDark");
  return <MenuRow icon={theme === "dark" ? "sun" : "moon"} text={text} onClick={change} />;
}

function MenuHeading({ title, aside, onBack }: { title: string; aside?: string; onBack: () => void }) {
  return (
    <div class="heading">
      <button type="button" class="back" aria-label={t("pda.back")} onClick={onBack}>
        <Icon name="chevronLeft" />
      </button>
      <h1>{title}</h1>
      {aside !== undefined && <small class="steps">{aside}</small>}
    </div>
  );
}

function MenuRow(props: { icon: "list" | "bell" | "sun" | "moon" | "external" | "person"; text: string; onClick: () => void }) {
  return (
    <button type="button" class="row" onClick={props.onClick}>
      <Icon name={props.icon} />
      {props.text}
      <Icon name="chevronRight" />
    </button>
  );
}

function ScansScreen({ handheld }: { handheld: Handheld }) {
  const [scans, setScans] = useState<readonly KeptScan[]>([]);
  const pending = handheld.pending.value;
  const notes = handheld.notes.value;
  useEffect(() => void handheld.latest(SCANS_SHOWN_MAX).then(setScans), [handheld, pending]);
  useEffect(() => void (notes.length > 0 && handheld.readNotes()), [handheld, notes]);
  return (
    <div class="screen">
      <MenuHeading title={t("pda.myScans")} aside={formatZone(Date.now(), DEVICE_ZONE)} onBack={goTo("menu")} />
      {scans.length === 0 ? (
        <div class="body blank">
          <Icon name="scan" />
          <strong>{t("pda.noScans")}</strong>
        </div>
      ) : (
        <ul class="body scans">
          {scans.map((scan) => (
            <ScanRow key={scan.sequence} scan={scan} />
          ))}
        </ul>
      )}
      <div class="actions">
        <Action icon="download" onClick={() => void download(handheld)}>
          {t("pda.export")}
        </Action>
      </div>
    </div>
  );
}

const SCAN_MARKS = { pending: "ring", done: "tick", noted: "dot", refused: "octagon" } as const;

function ScanRow({ scan }: { scan: KeptScan }) {
  return (
    <li class="scan" data-state={scan.state}>
      <Mark name={SCAN_MARKS[scan.state]} />
      <span class="task-what">
        <span class="code">{scan.place_code === null ? scan.code : `${scan.code.slice(-5)} → ${scan.place_code}`}</span>
        <span>
          {t(`pda.scanState.${scan.state}`)}
          {scan.state === "refused" && ` · ${refusalText(scan)}`}
        </span>
      </span>
      <time>{formatTime(scan.observed_at, locale.value, DEVICE_ZONE)}</time>
    </li>
  );
}

/** Signing out with unsent scans asks twice, and the second time hands them over as a file. */
function LeaveScreen({ handheld }: { handheld: Handheld }) {
  const [isSure, setSure] = useState(false);
  const count = handheld.pending.value.length;
  const leave = () => {
    menu.value = "closed";
    void handheld.signOut();
  };
  const exportAndLeave = () => void download(handheld).then(leave);
  return (
    <div class="screen">
      <MenuHeading title={t("common.signOut")} onBack={goTo("menu")} />
      <section class="body start">
        <Icon name={count > 0 ? "clock" : "person"} />
        <h2>{count > 0 ? t("pda.leaveWaiting", { count }) : t("pda.leaveTitle")}</h2>
        <p>{t(count > 0 ? (isSure ? "pda.leaveSecond" : "pda.leaveFirst") : "pda.leaveNone")}</p>
      </section>
      <div class="actions">
        {count === 0 && (
          <Action kind="primary" onClick={leave}>
            {t("common.signOut")}
          </Action>
        )}
        {count > 0 && !isSure && <Action onClick={() => setSure(true)}>{t("pda.leaveAnyway")}</Action>}
        {count > 0 && isSure && (
          <Action icon="download" onClick={exportAndLeave}>
            {t("pda.exportAndLeave")}
          </Action>
        )}
        {count > 0 && (
          <Action kind="primary" onClick={goTo("closed")}>
            {t("pda.stay")}
          </Action>
        )}
      </div>
    </div>
  );
}

async function download(handheld: Handheld): Promise<void> {
  const text = JSON.stringify(await handheld.exportQueue(), null, 2);
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `scans-${handheld.device.value?.device_id ?? "device"}.json`;
  link.click();
  URL.revokeObjectURL(address);
}
