/**
 * A question before a command: what will happen, what is still to be given, and what the server said against it, at
 * the field it names or else at the foot, until something else is to be sent.
 */

import { ApiProblem } from "@shared/api/client";
import { useWords } from "@shared/react/page";
import { Modal } from "antd";
import { problemText } from "@shared/react/parts";
import { createContext, type ReactNode, useContext, useLayoutEffect, useRef, useState } from "react";
import { useCommand } from "../data/queries";
import { Refusal } from "./refusal";

/** What the server said against the command around; null while nothing is wrong. */
const RefusalContext = createContext<Error | null>(null);

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
  // What was said against one entry says nothing of the next.
  const given = JSON.stringify(props.body);
  const [sent, setSent] = useState<string | null>(null);
  const refusal = sent === given ? command.error : null;
  const form = useRef<HTMLFormElement>(null);
  const [isSaidBeside, setSaidBeside] = useState(false);
  useLayoutEffect(() => setSaidBeside(form.current?.querySelector("[data-refusal=true]") != null), [refusal]);
  const send = () => {
    setSent(given);
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
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <RefusalContext value={refusal}>{props.children}</RefusalContext>
        {refusal !== null && !isSaidBeside && <Refusal error={refusal} />}
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

interface FieldProps {
  label: string;
  /** As the server calls it, where it may refuse what the page let through. */
  name?: string;
  hint?: ReactNode;
  wrong?: string | undefined;
  children: ReactNode;
}

/** A labelled field with a hint or what is wrong with it. */
export function Field(props: FieldProps) {
  const { t } = useWords();
  const refusal = useContext(RefusalContext);
  const isRefused = props.name !== undefined && refusal instanceof ApiProblem && refusal.facts["field"] === props.name;
  const wrong = props.wrong ?? (isRefused ? problemText(refusal, t) : undefined);
  return (
    <label className="field">
      <span>{props.label}</span>
      {props.children}
      {wrong ? (
        <small className="wrong" role="alert" data-refusal={isRefused && props.wrong === undefined}>
          {wrong}
        </small>
      ) : (
        props.hint && <small>{props.hint}</small>
      )}
    </label>
  );
}
