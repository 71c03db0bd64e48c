/** The keeper invites a bank to look at the site's devices, accept them and distrust them. */

import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog } from "./command_dialog";

export function InviteDialog({ path, onClose }: { path: string; onClose: () => void }) {
  const { t } = useWords();
  const [party, setParty] = useState("");
  const body = party.trim() === "" ? null : { party_id: party.trim() };
  return (
    <CommandDialog title={t("devices.inviteBank")} path={`${path}/inspectors`} body={body} action={t("devices.invite")} onClose={onClose}>
      <p>{t("devices.inviteHow")}</p>
      <label>
        <span>{t("devices.bankId")}</span>
        <Input maxLength={64} value={party} onChange={(event) => setParty(event.target.value)} />
      </label>
    </CommandDialog>
  );
}
