/** The lower third of the work screens: type a code or use the camera, for when the scanner does not do it. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Handheld } from "../handheld";
import { readText } from "../scan/reading";
import { t } from "../texts";
import { Action, Icon } from "./parts";

/** Longest code a person may type. */
const TYPED_CHARS_MAX = 60;

const open = signal<"typing" | "camera" | null>(null);
const close = () => {
  open.value = null;
};

export function ScanActions({ handheld, children }: { handheld: Handheld; children?: ComponentChildren }) {
  return (
    <>
      <div class="actions" data-columns="2">
        <Action icon="keyboard" onClick={() => (open.value = "typing")}>
          {t("pda.typeCode")}
        </Action>
        <Action icon="camera" onClick={() => (open.value = "camera")}>
          {t("pda.useCamera")}
        </Action>
        {children}
      </div>
      {open.value === "typing" && <TypedCode handheld={handheld} />}
      {open.value === "camera" && <Camera handheld={handheld} hint={t("pda.cameraHint")} onClose={close} />}
    </>
  );
}

function TypedCode({ handheld }: { handheld: Handheld }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    const text = field.current?.value ?? "";
    close();
    void handheld.read(readText(text, "typed"));
  };
  return (
    <form class="sheet" onSubmit={submit} aria-label={t("pda.typeCode")}>
      <label>
        {t("pda.typedLabel")}
        <input ref={field} data-typed maxLength={TYPED_CHARS_MAX} autocomplete="off" autocapitalize="characters" />
      </label>
      <div class="sheet-actions">
        <Action onClick={close}>{t("common.cancel")}</Action>
        <button type="submit" class="action" data-kind="primary">
          {t("pda.useCode")}
        </button>
      </div>
    </form>
  );
}

const cameraProblem = signal<string | null>(null);

/** Looks through the camera until it has read one code, or somebody closes it. */
export function Camera({ handheld, hint, onClose }: { handheld: Handheld; hint: string; onClose: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const stop = new AbortController();
    cameraProblem.value = null;
    void look(handheld, video.current, stop.signal, onClose);
    return () => stop.abort();
  }, [handheld]);
  return (
    <div class="sheet camera" role="dialog" aria-label={t("pda.useCamera")}>
      {cameraProblem.value === null ? (
        <div class="finder">
          <video ref={video} muted playsInline />
          <span />
        </div>
      ) : (
        <p class="hint" role="alert">
          <Icon name="camera" />
          {t(cameraProblem.value)}
        </p>
      )}
      <p>{hint}</p>
      <Action onClick={onClose}>{t("common.close")}</Action>
    </div>
  );
}

async function look(
  handheld: Handheld,
  video: HTMLVideoElement | null,
  stop: AbortSignal,
  onClose: () => void,
): Promise<void> {
  if (video === null) return;
  try {
    const { readWithCamera } = await import("../scan/camera");
    const reading = await readWithCamera(video, stop);
    onClose();
    await handheld.read(reading);
  } catch (problem) {
    if (stop.aborted) return;
    const isForbidden = problem instanceof DOMException && problem.name === "NotAllowedError";
    cameraProblem.value = isForbidden ? "pda.cameraForbidden" : "pda.cameraMissing";
  }
}
