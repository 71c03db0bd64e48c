/** A command that needs a reason, which stays in the history. */

import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog, Field } from "./command_dialog";

export const REASON_LENGTH_MIN = 10;
const REASON_LENGTH_MAX = 500;

interface Props {
  readonly title: string;
  readonly path: string;
  /** What the command will do. */
  readonly how: string;
  readonly action: string;
  readonly onClose: () => void;
}

export function ReasonDialog({ title, path, how, action, onClose }: Props) {
  const [reason, setReason] = useState("");
  return (
    <CommandDialog title={title} path={path} body={isReason(reason) ? { reason: reason.trim() } : null} action={action} isDanger onClose={onClose}>
      <p>{how}</p>
      <ReasonField reason={reason} onChange={setReason} />
    </CommandDialog>
  );
}

export function isReason(text: string): boolean {
  return text.trim().length >= REASON_LENGTH_MIN;
}

export function ReasonField({ reason, onChange }: { reason: string; onChange: (text: string) => void }) {
  const { t } = useWords();
  return (
    <Field label={t("bank.reason")} hint={t("bank.reasonHint", { count: REASON_LENGTH_MIN })}>
      <Input.TextArea rows={3} maxLength={REASON_LENGTH_MAX} value={reason} onChange={(event) => onChange(event.target.value)} />
    </Field>
  );
}
