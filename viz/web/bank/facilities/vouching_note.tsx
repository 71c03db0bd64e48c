/** Which devices the bank does not vouch for, since when, and that its money stands still while others do. */

import type { FacilityDetail, Unvouched } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { useWords } from "@shared/react/page";
import { Mark } from "@shared/react/parts";
import { When } from "../parts/parts";
import { useSignedIn } from "../parts/session";

export function VouchingNote({ facility }: { facility: FacilityDetail }) {
  const { t } = useWords();
  const { unvouched } = facility;
  if (useSignedIn().party.party_id !== facility.bank_party_id || unvouched?.length === 0) return null;
  if (unvouched === null) return <Note title={t("bank.notInvited")} />;
  const title = t(unvouched.some((device) => device.is_evidence) ? "bank.unvouchedStops" : "bank.unvouched");
  return (
    <Note title={title}>
      <ul className="th-soft">
        {unvouched.map((device) => (
          <li key={device.device_id}>
            <UnvouchedDevice device={device} />
          </li>
        ))}
      </ul>
      <a href="#/devices">{t("bank.lookAtDevices")}</a>
    </Note>
  );
}

function Note({ title, children }: { title: string; children?: React.ReactNode }) {
  return (
    <div className="margin-note" role="alert" data-testid="vouching-note">
      <Mark name="triangle" />
      <div>
        <b>{title}</b>
        {children}
      </div>
    </div>
  );
}

function UnvouchedDevice({ device }: { device: Unvouched }) {
  const { t } = useWords();
  return (
    <>
      {deviceName(device.device_id, t)}
      {device.is_evidence && ` · ${t("bank.unvouchedBy", { parties: device.accepted_by })}`}
      {device.ended_at !== null && (
        <>
          {` · ${t(`bank.acceptanceEnded.${device.end_cause}`)} `}
          <When at={device.ended_at} />
        </>
      )}
    </>
  );
}
