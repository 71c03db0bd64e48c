/** A command that wants a reason and nothing else. */
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog } from "./command_dialog";
import { Field } from "./field";

const REASON_LENGTH_MAX = 200;

interface ReasonDialogProps {
  title: string;
  path: string;
  action: string;
  /** What it does, where the title does not say all. */
  how?: string;
  /** Sent with the reason. */
  given?: object;
  isDanger?: boolean;
  onClose: () => void;
  onDone: () => void;
}

export function ReasonDialog({ given, how, ...command }: ReasonDialogProps) {
  const { t } = useWords();
  const [reason, setReason] = useState("");
  const body = reason.trim() === "" ? null : { ...given, reason: reason.trim() };
  return (
    <CommandDialog {...command} body={body}>
      {how && <p>{how}</p>}
      <Field label={t("devices.orderReason")} name="reason">
        <Input maxLength={REASON_LENGTH_MAX} value={reason} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
