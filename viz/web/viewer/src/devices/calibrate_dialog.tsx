/** A certificate of calibration or legal verification is entered for a device. */

import type { Device } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";

const FIELDS = ["certificate", "performed_by", "performed_on", "valid_until"] as const;

type Certificate = Record<(typeof FIELDS)[number], string>;

const EMPTY: Certificate = { certificate: "", performed_by: "", performed_on: "", valid_until: "" };

export function CalibrateDialog({ device, onClose, onChanged }: { device: Device; onClose: () => void; onChanged: () => void }) {
  const { t } = useWords();
  const [given, setGiven] = useState(EMPTY);
  const isComplete = FIELDS.every((field) => given[field].trim() !== "");
  return (
    <CommandDialog
      title={t("devices.calibrateTitle", { device: deviceName(device.device_id, t) })}
      path={`/devices/${encodeURIComponent(device.device_id)}/calibrations`}
      body={isComplete ? given : null}
      action={t("devices.enterCertificate")}
      onDone={onChanged}
      onClose={onClose}
    >
      {FIELDS.map((field) => (
        <Field key={field} name={field} label={t(`devices.certificate.${field}`)}>
          <Input
            type={field.endsWith("_by") || field === "certificate" ? "text" : "date"}
            maxLength={120}
            value={given[field]}
            onChange={(event) => setGiven({ ...given, [field]: event.target.value })}
          />
        </Field>
      ))}
    </CommandDialog>
  );
}
