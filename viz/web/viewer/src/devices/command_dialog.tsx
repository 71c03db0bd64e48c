/** A question before a command to the server: what is still to be given, and what the server said against it. */
import { api } from "@shared/api/client";
import { useWords } from "@shared/react/page";
import { Problem } from "@shared/react/parts";
import { Modal } from "antd";
import { useState, type ReactNode } from "react";

const WIDTH_PX = 440;

interface CommandDialogProps {
  title: string;
  path: string;
  /** The body to send, where there is one; null while something is missing, which keeps the button closed. */
  body?: object | null;
  action: string;
  isDanger?: boolean;
  onDone?: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function CommandDialog(props: CommandDialogProps) {
  const { t } = useWords();
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<unknown>(null);
  async function send() {
    setIsBusy(true);
    setFailure(null);
    try {
      await (props.body ? api.post(props.path, props.body) : api.post(props.path));
      props.onDone?.();
      props.onClose();
    } catch (error) {
      setFailure(error);
      setIsBusy(false);
    }
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
      width={WIDTH_PX}
    >
      <div className="dialog-form">{props.children}</div>
      {failure !== null && <Problem error={failure} />}
    </Modal>
  );
}
