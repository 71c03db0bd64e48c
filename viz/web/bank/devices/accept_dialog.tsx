/** The bank vouches for a device: what it should have looked at, and then the credential, shown once. */

import type { AcceptedDevice, Device } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { Credential as Secret } from "@shared/react/credential";
import { useWords } from "@shared/react/page";
import { Modal } from "antd";
import { useState } from "react";
import { useCommand } from "../data/queries";
import { Moment, Pairs } from "../parts/parts";
import { Refusal } from "../parts/refusal";
import { reachedAt } from "./reached";

interface Props {
  device: Device;
  familyName: string;
  onClose: () => void;
}

export function AcceptDialog({ device, familyName, onClose }: Props) {
  const { t } = useWords();
  const [seen] = useState(device);
  const [secret, setSecret] = useState<string | null>(null);
  const accept = useCommand<{ enrolment: number }, AcceptedDevice>(`/devices/${encodeURIComponent(device.device_id)}/accept`);
  const name = deviceName(device.device_id, t);
  const send = () =>
    accept.mutate(
      { enrolment: seen.enrolment },
      { onSuccess: (answer) => (answer.secret === null ? onClose() : setSecret(answer.secret)) },
    );
  if (secret !== null) return <Credential name={name} secret={secret} onClose={onClose} />;
  return (
    <Modal
      open
      title={t("bank.acceptTitle", { device: name })}
      okText={t("bank.accept")}
      cancelText={t("common.cancel")}
      okButtonProps={{ loading: accept.isPending }}
      onOk={send}
      onCancel={onClose}
      destroyOnHidden
    >
      <p>{t("bank.acceptHow")}</p>
      <Pairs
        rows={[
          [t("bank.deviceKind"), familyName],
          [t("bank.mount"), seen.mount_id ?? t("bank.noMount")],
          [t("bank.reachedAt"), reachedAt(seen)],
          [t("bank.enrolledBy"), seen.enrolled_by],
          [t("bank.enrolledAt"), <Moment key="at" at={seen.enrolled_at} />],
        ]}
      />
      {seen.acceptances.length > 0 && <p>{t("bank.acceptedBefore", { parties: seen.acceptances.map((one) => one.party ?? "–") })}</p>}
      {seen.key_held_by !== null && <p>{t("bank.keyHeldBy", { party: seen.key_held_by })}</p>}
      {accept.isError && <Refusal error={accept.error} />}
    </Modal>
  );
}

/** Shown once: whoever enrolled the device must not come to know it. */
function Credential({ name, secret, onClose }: { name: string; secret: string; onClose: () => void }) {
  const { t } = useWords();
  return (
    <Modal open title={t("bank.acceptedTitle", { device: name })} okText={t("bank.credentialEntered")} cancelButtonProps={{ hidden: true }} closable={false} mask={{ closable: false }} onOk={onClose}>
      <p>{t("bank.credentialHow")}</p>
      <Secret secret={secret} />
    </Modal>
  );
}
