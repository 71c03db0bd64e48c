/** An officer freezes a facility by hand, with a reason that stays in its history. */

import type { FacilityDetail } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog, Field } from "../parts/command_dialog";

const REASON_LENGTH_MIN = 10;
const REASON_LENGTH_MAX = 500;

export function FreezeDialog({ facility, onClose }: { facility: FacilityDetail; onClose: () => void }) {
  const { t } = useWords();
  const [reason, setReason] = useState("");
  const given = reason.trim();
  return (
    <CommandDialog
      title={t("bank.freezeTitle", { borrower: facility.borrower_name })}
      path={`/facilities/${encodeURIComponent(facility.facility_id)}/freeze`}
      body={given.length >= REASON_LENGTH_MIN ? { reason: given } : null}
      action={t("bank.freeze")}
      isDanger
      onClose={onClose}
    >
      <p>{t("bank.freezeHow")}</p>
      <Field label={t("bank.reason")} hint={t("bank.reasonHint", { count: REASON_LENGTH_MIN })}>
        <Input.TextArea rows={3} maxLength={REASON_LENGTH_MAX} value={reason} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
