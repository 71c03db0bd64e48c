import { api } from "@shared/api/client";
import type { Device, EnrolmentCode } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { formatTime, formatZone } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Icon, Loading, Mark, Problem, useNow } from "@shared/react/parts";
import { Modal, QRCode } from "antd";
import { useEffect, useState } from "react";
import { useSite } from "../state/site";
import { grouped, minutesLeft } from "./words";

/** Side of the QR code in pixels: read from an arm's length by the camera of a handheld. */
const QR_PX = 232;

/** Addresses that name the machine itself; a handheld that opens one finds nothing there. */
const LOOPBACK = /^(localhost|127\.|\[?::1)/;

interface EnrolDialogProps {
  path: string;
  /** The handheld whose place the new one takes; null for one more. */
  deviceId: string | null;
  devices: readonly Device[];
  zone: string | undefined;
  onClose: () => void;
}

/** A one-time code for a handheld, to scan or to type, until it is used or has expired. */
export function EnrolDialog({ path, deviceId, devices, zone, onClose }: EnrolDialogProps) {
  const { t } = useWords();
  const { issued, failure, again } = useCode(path, deviceId);
  const offsetMs = useSite((state) => state.clockOffsetMs);
  const now = useNow(1000) + offsetMs;
  const leftMs = issued === null ? 0 : Date.parse(issued.expires_at) - now;
  const isUsed = issued !== null && deviceId === null && devices.some((device) => device.device_id === issued.device_id);
  const title = deviceId === null ? t("devices.enrolHandheld") : t("devices.enrolAgainTitle", { device: deviceName(deviceId, t) });
  return (
    <Modal open title={title} footer={null} width={460} onCancel={onClose}>
      {failure !== null && <Problem error={failure} onRetry={again} />}
      {issued === null && failure === null && <Loading label={t("devices.makingCode")} />}
      {issued !== null && isUsed && <Enrolled issued={issued} onClose={onClose} />}
      {issued !== null && !isUsed && <Code issued={issued} leftMs={leftMs} zone={zone} isReplacing={deviceId !== null} onAgain={again} />}
    </Modal>
  );
}

/** One code for each opening of the dialog, and another one when that is asked for. */
function useCode(path: string, deviceId: string | null) {
  const [issued, setIssued] = useState<EnrolmentCode | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setIssued(null);
    setFailure(null);
    api
      .post<EnrolmentCode>(`${path}/devices/pda/enrolment-codes`, { device_id: deviceId }, { signal: stop.signal })
      .then(setIssued)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setFailure(error);
      });
    return () => stop.abort();
  }, [path, deviceId, attempt]);
  return { issued, failure, again: () => setAttempt((count) => count + 1) };
}

interface CodeProps {
  issued: EnrolmentCode;
  leftMs: number;
  zone: string | undefined;
  isReplacing: boolean;
  onAgain: () => void;
}

function Code({ issued, leftMs, zone, isReplacing, onAgain }: CodeProps) {
  const { t, locale } = useWords();
  const isExpired = leftMs <= 0;
  const minutes = minutesLeft(leftMs);
  return (
    <div className="enrol">
      <Steps />
      <div className="enrol-code">
        {/* Black on white in every theme: cameras read nothing else reliably. */}
        <QRCode
          value={window.location.origin + issued.url}
          type="svg"
          size={QR_PX}
          color="#000000"
          bgColor="#ffffff"
          errorLevel="M"
          marginSize={4}
          status={isExpired ? "expired" : "active"}
          onRefresh={onAgain}
        />
        {!isExpired && (
          <p>
            <span className="th-soft">{t("devices.code")}</span>
            <b className="th-mono" data-testid="enrolment-code">{grouped(issued.enrolment_code)}</b>
          </p>
        )}
        <p role="status" data-expired={isExpired}>
          <Icon name="clock" />
          {isExpired
            ? t("devices.codeExpired")
            : t("devices.codeUntil", { at: `${formatTime(issued.expires_at, locale, zone)} ${formatZone(issued.expires_at, zone)}`, count: minutes })}
        </p>
      </div>
      {isReplacing && (
        <p className="enrol-note">
          <Mark name="triangle" color="--grade-check" />
          {t("devices.replaces")}
        </p>
      )}
    </div>
  );
}

/** What to do with the handheld, in order. Trusting the site comes first, where the site is its own authority. */
function Steps() {
  const { t } = useWords();
  const hasAuthority = useLocalAuthority();
  const { origin, hostname } = window.location;
  return (
    <>
      {LOOPBACK.test(hostname) && (
        <p className="enrol-note" role="note">
          <Mark name="triangle" color="--grade-check" />
          {t("devices.loopback", { host: hostname })}
        </p>
      )}
      <ol className="enrol-steps">
        {hasAuthority && (
          <li>
            {t("devices.stepTrust")} <span className="th-mono">{origin}/ca.crt</span>
          </li>
        )}
        <li>
          {t("devices.stepOpen")} <span className="th-mono">{origin}/pda/</span>
        </li>
        <li>{t("devices.stepScan")}</li>
      </ol>
    </>
  );
}

/** True when this server made its own certificate authority, which a new handheld does not trust yet. */
function useLocalAuthority(): boolean {
  const [has, setHas] = useState(false);
  useEffect(() => {
    if (window.location.protocol !== "https:") return;
    const stop = new AbortController();
    fetch("/ca.crt", { signal: stop.signal })
      .then((answer) => setHas(answer.ok))
      // No answer: the line is cut, and the dialog says so where it asks for the code.
      .catch(() => undefined);
    return () => stop.abort();
  }, []);
  return has;
}

function Enrolled({ issued, onClose }: { issued: EnrolmentCode; onClose: () => void }) {
  const { t } = useWords();
  return (
    <div className="enrolled" role="status" data-testid="enrolled">
      <Mark name="tick" color="--good" />
      <strong>{t("devices.enrolled", { device: deviceName(issued.device_id, t) })}</strong>
      <p className="th-soft">{t("devices.enrolledHow")}</p>
      <button type="button" className="th-button" data-kind="primary" onClick={onClose}>
        {t("common.close")}
      </button>
    </div>
  );
}
