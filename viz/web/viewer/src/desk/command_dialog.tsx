/**
 * A question before a command to the server: what is still to be given, what the server said against it (the field
 * it names is marked too, see `field.tsx`), and, for some commands, what came of it.
 */
import { api } from "@shared/api/client";
import { useWords } from "@shared/react/page";
import { Problem } from "@shared/react/parts";
import { Modal } from "antd";
import { useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { RefusalContext } from "./field";

const WIDTH_PX = 440;

interface CommandDialogProps<Answer> {
  title: string;
  path: string;
  /** The body to send, where there is one; null while something is missing, which keeps the button closed. */
  body?: object | null;
  action: string;
  isDanger?: boolean;
  width?: number;
  onDone?: () => void;
  onClose: () => void;
  /** Shown when it is done, for a person to read and close; without it the dialog closes by itself. */
  result?: (answer: Answer) => ReactNode;
  children: ReactNode;
}

export function CommandDialog<Answer>(props: CommandDialogProps<Answer>) {
  const { t } = useWords();
  const [isBusy, setIsBusy] = useState(false);
  const [refused, setRefused] = useState<{ given: string; error: unknown } | null>(null);
  // What was said against one entry says nothing of the next.
  const given = JSON.stringify(props.body ?? null);
  const failure = refused !== null && refused.given === given ? refused.error : null;
  const [isSaidBeside, setSaidBeside] = useState(false);
  const form = useRef<HTMLDivElement>(null);
  // A refusal is said once: beside its field where there is one, else below.
  useLayoutEffect(() => setSaidBeside(form.current?.querySelector("[data-refusal=true]") != null), [failure]);
  const [answer, setAnswer] = useState<{ value: Answer } | null>(null);
  async function send() {
    setIsBusy(true);
    setRefused(null);
    try {
      const value = await (props.body ? api.post<Answer>(props.path, props.body) : api.post<Answer>(props.path));
      props.onDone?.();
      if (props.result) setAnswer({ value });
      else props.onClose();
    } catch (error) {
      setRefused({ given, error });
    }
    setIsBusy(false);
  }
  if (answer !== null) {
    return (
      <Modal
        open
        title={props.title}
        okText={t("common.close")}
        cancelButtonProps={{ hidden: true }}
        mask={{ closable: false }}
        onOk={props.onClose}
        onCancel={props.onClose}
        width={props.width ?? WIDTH_PX}
      >
        {props.result?.(answer.value)}
      </Modal>
    );
  }
  return (
    <Modal
      open
      title={props.title}
      okText={props.action}
      okButtonProps={{ disabled: props.body === null, loading: isBusy, danger: props.isDanger ?? false }}
      cancelText={t("common.cancel")}
      onOk={() => void send()}
      onCancel={props.onClose}
      width={props.width ?? WIDTH_PX}
    >
      <RefusalContext value={failure}>
        <div className="dialog-form" ref={form}>{props.children}</div>
      </RefusalContext>
      {failure !== null && !isSaidBeside && <Problem error={failure} />}
    </Modal>
  );
}
