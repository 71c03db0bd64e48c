/** The site's devices: which were heard from, what they sent that could not be accepted, and enrolling handhelds. */
import { api } from "@shared/api/client";
import type { Device, Role } from "@shared/api/types";
import { formatZone } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Icon, Loading, Problem } from "@shared/react/parts";
import { useCallback, useState } from "react";
import { useHasRole } from "../state/place";
import { serverNow, useSite } from "../state/site";
import { DeviceTable } from "./device_table";
import "../desk/desk.css";
import "./devices.css";
import { EnrolDeviceDialog } from "./enrol_device_dialog";
import { EnrolDialog } from "./enrol_dialog";
import { InviteDialog } from "./invite_dialog";
import { OrdersTable } from "./orders_table";
import { usePolled } from "../desk/polled";
import { QuarantineTable } from "./quarantine_table";

/** How often the lists are read anew, in milliseconds. */
const READ_EVERY_MS = 5_000;

const MAY_ENROL: Role[] = ["keeper", "admin"];
const MAY_ORDER: Role[] = ["operator", "keeper"];

/** Null while nobody enrols; else the device that the code is for, `null` inside for a new one. */
type Enrolling = { deviceId: string | null } | null;

/** Null while no device of a mount is enrolled; else the one that is enrolled anew, `null` inside for a new one. */
type Mounting = { known: Device | null } | null;

export default function DevicesPage() {
  const { t, locale } = useWords();
  const site = useSite((state) => state.site!);
  const zone = useSite((state) => state.frame?.layout.time_zone);
  const mayEnrol = useHasRole(MAY_ENROL);
  const mayOrder = useHasRole(MAY_ORDER);
  const [enrolling, setEnrolling] = useState<Enrolling>(null);
  const [sender, setSender] = useState<string | null>(null);
  const [mounting, setMounting] = useState<Mounting>(null);
  const [isInviting, setInviting] = useState(false);
  const path = `/sites/${encodeURIComponent(site.site_id)}`;
  const read = useCallback((signal: AbortSignal) => api.list<Device>(`${path}/devices`, { signal }), [path]);
  const { value: devices, failure, again } = usePolled(read, READ_EVERY_MS);

  return (
    <section className="desk" aria-labelledby="devices-title" data-testid="devices">
      <header className="desk-head">
        <div>
          <h2 id="devices-title">{t("devices.title")}</h2>
          <p className="th-soft">
            {locale === "zh" ? site.name_zh : site.name_en} · {t("devices.zone", { zone: formatZone(serverNow(), zone) })}
          </p>
        </div>
        {mayEnrol && (
          <div className="desk-actions">
            <button type="button" className="th-button" onClick={() => setInviting(true)}>
              {t("devices.inviteBank")}
            </button>
            <button type="button" className="th-button" onClick={() => setMounting({ known: null })}>
              <Icon name="plus" />
              {t("devices.enrolDevice")}
            </button>
            <button type="button" className="th-button" data-kind="primary" onClick={() => setEnrolling({ deviceId: null })}>
              <Icon name="plus" />
              {t("devices.enrolHandheld")}
            </button>
          </div>
        )}
      </header>
      {failure !== null && <Problem error={failure} onRetry={again} />}
      {devices === null ? (
        failure === null && <Loading />
      ) : (
        <>
          <DeviceTable
            devices={devices}
            mayChange={mayEnrol}
            mayOrder={mayOrder}
            onEnrolAgain={(deviceId) => setEnrolling({ deviceId })}
            onEnrolAnew={(known) => setMounting({ known })}
            onQuarantine={setSender}
            onChanged={again}
          />
          <OrdersTable path={path} everyMs={READ_EVERY_MS} />
          <QuarantineTable path={path} sender={sender} onSender={setSender} everyMs={READ_EVERY_MS} />
        </>
      )}
      {isInviting && <InviteDialog path={path} onClose={() => setInviting(false)} />}
      {mounting !== null && (
        <EnrolDeviceDialog path={path} devices={devices ?? []} known={mounting.known} onClose={() => setMounting(null)} onDone={again} />
      )}
      {enrolling !== null && (
        <EnrolDialog
          path={path}
          deviceId={enrolling.deviceId}
          devices={devices ?? []}
          zone={zone}
          onClose={() => setEnrolling(null)}
        />
      )}
    </section>
  );
}
