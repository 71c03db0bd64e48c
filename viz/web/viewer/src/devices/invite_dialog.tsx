/** The keeper invites a bank to look at the site's devices, accept them and distrust them. */

import type { Inspector, Party } from "@shared/api/types";
import { formatDate } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Blank, Loading, Problem } from "@shared/react/parts";
import { Select } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import { useList } from "../desk/list";

export function InviteDialog({ path, onClose }: { path: string; onClose: () => void }) {
  const { t } = useWords();
  const { rows: banks, failure: noBanks } = useList<Party>("/banks");
  const { rows: invited, failure: noInvited } = useList<Inspector>(`${path}/inspectors`);
  const [party, setParty] = useState<string | null>(null);
  const failure = noBanks ?? noInvited;
  const free = banks?.filter((bank) => !invited?.some((one) => one.party_id === bank.party_id)) ?? [];
  return (
    <CommandDialog title={t("devices.inviteBank")} path={`${path}/inspectors`} body={party === null ? null : { party_id: party }} action={t("devices.invite")} onClose={onClose}>
      <p>{t("devices.inviteHow")}</p>
      {failure !== null && <Problem error={failure} />}
      {failure === null && (banks === null || invited === null) && <Loading />}
      {invited !== null && <Invited invited={invited} />}
      {banks !== null && invited !== null && free.length > 0 && (
        <Field label={t("devices.bank")} name="party_id">
          <Select
            showSearch={{ optionFilterProp: "label" }}
            value={party}
            onChange={setParty}
            options={free.map((bank) => ({ value: bank.party_id, label: bank.name }))}
          />
        </Field>
      )}
      {banks !== null && invited !== null && free.length === 0 && (
        <Blank title={t(banks.length === 0 ? "devices.noBanks" : "devices.allInvited")}>
          <p>{t("devices.noBanksHow")}</p>
        </Blank>
      )}
    </CommandDialog>
  );
}

/** An invitation does not end: others may rest on what the bank accepted. */
function Invited({ invited }: { invited: readonly Inspector[] }) {
  const { t, locale } = useWords();
  if (invited.length === 0) return <p className="th-soft">{t("devices.noneInvited")}</p>;
  return (
    <section>
      <b>{t("devices.invited")}</b>
      <ul data-testid="invited">
        {invited.map((bank) => (
          <li key={bank.party_id}>
            {bank.name} <span className="th-soft">{t("devices.since", { date: formatDate(bank.since, locale) })}</span>
          </li>
        ))}
      </ul>
      <small className="th-soft">{t("devices.invitedStays")}</small>
    </section>
  );
}
