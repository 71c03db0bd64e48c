/** Who did what to a device, newest first: the registry's book, as keeper and bank both read it. */

import { api } from "@shared/api/client";
import type { Device, DeviceAct } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { formatMomentWithZone } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Loading, Problem } from "@shared/react/parts";
import { Modal } from "antd";
import { useEffect, useState } from "react";

export function DeviceHistoryDialog({ device, zone, onClose }: { device: Device; zone?: string | undefined; onClose: () => void }) {
  const { t, locale } = useWords();
  const [acts, setActs] = useState<readonly DeviceAct[] | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    api
      .list<DeviceAct>(`/devices/${encodeURIComponent(device.device_id)}/history`, { signal: stop.signal })
      .then(setActs)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setFailure(error);
      });
    return () => stop.abort();
  }, [device.device_id]);
  return (
    <Modal open title={t("devices.historyTitle", { device: deviceName(device.device_id, t) })} footer={null} width={560} onCancel={onClose}>
      {failure !== null && <Problem error={failure} />}
      {acts === null && failure === null && <Loading />}
      {acts !== null && (
        <ol className="device-history">
          {acts.map((act) => (
            <li key={act.number}>
              <time dateTime={act.at} className="th-soft">
                {formatMomentWithZone(act.at, locale, zone)}
              </time>
              <span>{t(`devices.act.${act.act}`, { party: act.party ?? "–", ...act.facts })}</span>
            </li>
          ))}
        </ol>
      )}
    </Modal>
  );
}
