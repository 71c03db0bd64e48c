/** A question before a command: what will happen, what is still to be given, and what the server said against it. */

import { useWords } from "@shared/react/page";
import { Modal } from "antd";
import { type ReactNode, useState } from "react";
import { useCommand } from "../data/queries";
import { Refusal } from "./refusal";

interface Props<Body extends object> {
  readonly title: string;
  readonly path: string;
  /** The body to send; null while something is missing, which keeps the button closed. */
  readonly body: Body | null;
  readonly action: string;
  readonly isDanger?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function CommandDialog<Body extends object>(props: Props<Body>) {
  const { t } = useWords();
  const command = useCommand<Body>(props.path);
  const send = () => {
    if (props.body !== null) command.mutate(props.body, { onSuccess: props.onClose });
  };
  return (
    <Modal
      open
      title={props.title}
      okText={props.action}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: props.body === null, loading: command.isPending, danger: props.isDanger ?? false }}
      onOk={send}
      onCancel={props.onClose}
      destroyOnHidden
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        {props.children}
        {command.isError && <Refusal error={command.error} />}
      </form>
    </Modal>
  );
}

/** A button that opens a dialog, and the dialog while it is open. */
export function DialogButton(props: {
  text: string;
  kind?: "primary";
  isDanger?: boolean;
  disabledWhy?: string | undefined;
  dialog: (close: () => void) => ReactNode;
}) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        className="th-button"
        data-kind={props.kind}
        data-danger={props.isDanger}
        disabled={props.disabledWhy !== undefined}
        title={props.disabledWhy}
        onClick={() => setOpen(true)}
      >
        {props.text}
      </button>
      {props.disabledWhy !== undefined && <span className="why-not">{props.disabledWhy}</span>}
      {isOpen && props.dialog(() => setOpen(false))}
    </>
  );
}

/** A labelled field with a hint or what is wrong with it. */
export function Field(props: { label: string; hint?: ReactNode; wrong?: string | undefined; children: ReactNode }) {
  return (
    <label className="field">
      <span>{props.label}</span>
      {props.children}
      {props.wrong ? (
        <small className="wrong" role="alert">
          {props.wrong}
        </small>
      ) : (
        props.hint && <small>{props.hint}</small>
      )}
    </label>
  );
}
