/** A pallet's label is printed; what becomes of it stands among the orders to the site's devices. */
import { api } from "@shared/api/client";
import type { Device, LabelOrdered, Unit } from "@shared/api/types";
import { formatSscc } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Blank, Loading, Problem } from "@shared/react/parts";
import { Input, Modal, Select } from "antd";
import { useEffect, useState } from "react";
import { useSite } from "../state/site";

const PRINTER = "zpl_printer";
const REASON_LENGTH_MAX = 200;

/** The site's printers in service; null before the answer. */
function usePrinters(): { printers: readonly Device[] | null; failure: unknown } {
  const siteId = useSite((state) => state.site!.site_id);
  const [printers, setPrinters] = useState<readonly Device[] | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    api
      .list<Device>(`/sites/${encodeURIComponent(siteId)}/devices`, { signal: stop.signal })
      .then((devices) => setPrinters(devices.filter((device) => device.family === PRINTER && device.retired_at === null)))
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setFailure(error);
      });
    return () => stop.abort();
  }, [siteId]);
  return { printers, failure };
}

export default function LabelDialog({ unit, onClose }: { unit: Unit; onClose: () => void }) {
  const { t } = useWords();
  const { printers, failure: unread } = usePrinters();
  const [picked, setPicked] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  const [ordered, setOrdered] = useState<LabelOrdered | null>(null);
  const printer = picked ?? printers?.[0]?.device_id ?? null;
  async function print() {
    setIsBusy(true);
    setFailure(null);
    try {
      const body = { device_id: printer, reason: reason.trim() };
      setOrdered(await api.post<LabelOrdered>(`/units/${encodeURIComponent(unit.unit_id)}/label`, body));
    } catch (error) {
      setFailure(error);
    } finally {
      setIsBusy(false);
    }
  }
  return (
    <Modal
      open
      title={t("viewer.labelOf", { sscc: formatSscc(unit.sscc) })}
      okText={t(ordered === null ? "viewer.printLabel" : "common.close")}
      okButtonProps={{ disabled: printer === null, loading: isBusy }}
      cancelText={t("common.cancel")}
      cancelButtonProps={ordered === null ? {} : { style: { display: "none" } }}
      onOk={() => (ordered === null ? void print() : onClose())}
      onCancel={onClose}
      width={440}
    >
      {unread !== null && <Problem error={unread} />}
      {printers === null && unread === null && <Loading />}
      {printers?.length === 0 && (
        <Blank title={t("viewer.noPrinter")}>
          <p>{t("viewer.noPrinterHow")}</p>
        </Blank>
      )}
      {ordered !== null && <p role="status">{t(ordered.is_copy ? "viewer.labelCopyOrdered" : "viewer.labelOrdered")}</p>}
      {ordered === null && printers !== null && printers.length > 0 && (
        <form className="label-form">
          <label>
            <span>{t("viewer.printer")}</span>
            <Select value={printer} onChange={setPicked} options={printers.map((one) => ({ value: one.device_id, label: one.device_id }))} />
          </label>
          <label>
            <span>{t("viewer.labelReason")}</span>
            <Input maxLength={REASON_LENGTH_MAX} value={reason} onChange={(event) => setReason(event.target.value)} />
          </label>
        </form>
      )}
      {failure !== null && <Problem error={failure} />}
    </Modal>
  );
}
