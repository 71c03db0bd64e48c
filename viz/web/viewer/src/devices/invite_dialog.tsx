/** The keeper invites a bank to look at the site's devices, accept them and distrust them. */

import { api } from "@shared/api/client";
import { useWords } from "@shared/react/page";
import { Problem } from "@shared/react/parts";
import { Input, Modal } from "antd";
import { useState } from "react";

export function InviteDialog({ path, onClose }: { path: string; onClose: () => void }) {
  const { t } = useWords();
  const [party, setParty] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  async function invite() {
    setIsBusy(true);
    setFailure(null);
    try {
      await api.post(`${path}/inspectors`, { party_id: party.trim() });
      onClose();
    } catch (error) {
      setFailure(error);
      setIsBusy(false);
    }
  }
  return (
    <Modal
      open
      title={t("devices.inviteBank")}
      okText={t("devices.invite")}
      okButtonProps={{ disabled: party.trim() === "", loading: isBusy }}
      cancelText={t("common.cancel")}
      onOk={() => void invite()}
      onCancel={onClose}
      width={440}
    >
      <p>{t("devices.inviteHow")}</p>
      <label className="certificate">
        <span>{t("devices.bankId")}</span>
        <Input maxLength={64} value={party} onChange={(event) => setParty(event.target.value)} />
      </label>
      {failure !== null && <Problem error={failure} />}
    </Modal>
  );
}
