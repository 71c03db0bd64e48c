/** A certificate of calibration or legal verification is entered for a device. */

import { api } from "@shared/api/client";
import type { Device } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { useWords } from "@shared/react/page";
import { Problem } from "@shared/react/parts";
import { Input, Modal } from "antd";
import { useState } from "react";

const FIELDS = ["certificate", "performed_by", "performed_on", "valid_until"] as const;

type Certificate = Record<(typeof FIELDS)[number], string>;

const EMPTY: Certificate = { certificate: "", performed_by: "", performed_on: "", valid_until: "" };

export function CalibrateDialog({ device, onClose, onChanged }: { device: Device; onClose: () => void; onChanged: () => void }) {
  const { t } = useWords();
  const [given, setGiven] = useState(EMPTY);
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const isComplete = FIELDS.every((field) => given[field].trim() !== "");
  async function enter() {
    setIsBusy(true);
    setFailure(null);
    try {
      await api.post(`/devices/${encodeURIComponent(device.device_id)}/calibrations`, given);
      onChanged();
      onClose();
    } catch (error) {
      setFailure(error);
      setIsBusy(false);
    }
  }
  return (
    <Modal
      open
      title={t("devices.calibrateTitle", { device: deviceName(device.device_id, t) })}
      okText={t("devices.enterCertificate")}
      okButtonProps={{ disabled: !isComplete, loading: isBusy }}
      cancelText={t("common.cancel")}
      onOk={() => void enter()}
      onCancel={onClose}
      width={440}
    >
      <form className="dialog-form">
        {FIELDS.map((field) => (
          <label key={field}>
            <span>{t(`devices.certificate.${field}`)}</span>
            <Input
              type={field.endsWith("_by") || field === "certificate" ? "text" : "date"}
              maxLength={120}
              value={given[field]}
              onChange={(event) => setGiven({ ...given, [field]: event.target.value })}
            />
          </label>
        ))}
      </form>
      {failure !== null && <Problem error={failure} />}
    </Modal>
  );
}
