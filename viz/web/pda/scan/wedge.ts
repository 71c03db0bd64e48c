/**
 * Listens to a keyboard-wedge scanner. Each character comes over one channel only: as a key with a name, or,
 * from scanners that write through the input method, as text of the hidden field. Both at once would double it.
 */

import { AIM_PREFIX, type Framed, WedgeFramer } from "./framing";

/** True where a person types on purpose. */
function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("[data-typed]");
}

/** Shortcuts stay with the browser; only control and ] is a character, the group separator. */
function isText(event: KeyboardEvent): boolean {
  if (event.altKey || event.metaKey || event.key.length !== 1) return false;
  return !event.ctrlKey || event.key === "]";
}

/** Calls `onFramed` for each completed frame or fragment. Returns a function that stops listening. */
export function listenToWedge(field: HTMLInputElement, onFramed: (framed: Framed) => void): () => void {
  const framer = new WedgeFramer();
  let isFrameOpen = false;

  const press = (event: KeyboardEvent) => {
    if (isTextField(event.target)) return;
    const isOnField = event.target === field;
    if (event.key === AIM_PREFIX) isFrameOpen = true;
    // Outside a frame, keys on a button belong to the button, so that the page works without a pointer.
    if (!isOnField && !isFrameOpen && event.target !== document.body) return;
    const framed = framer.press(event);
    if (event.key === "Enter") isFrameOpen = false;
    if (isText(event) || event.key === "Enter") event.preventDefault();
    framed.forEach(onFramed);
  };

  const input = () => {
    const text = field.value;
    field.value = "";
    for (const character of text) {
      const key = character === "\n" || character === "\r" ? "Enter" : character;
      framer.press({ key }).forEach(onFramed);
    }
  };

  window.addEventListener("keydown", press, true);
  field.addEventListener("input", input);
  return () => {
    window.removeEventListener("keydown", press, true);
    field.removeEventListener("input", input);
  };
}

/** Gives the hidden field the focus back after a touch, never after a key: a person may be using the keys. */
export function keepFocus(field: HTMLInputElement): () => void {
  const refocus = () => {
    if (!isTextField(document.activeElement)) field.focus({ preventScroll: true });
  };
  const onClick = (event: MouseEvent) => {
    if (event.detail > 0) window.requestAnimationFrame(refocus);
  };
  window.addEventListener("click", onClick);
  window.addEventListener("focus", refocus);
  refocus();
  return () => {
    window.removeEventListener("click", onClick);
    window.removeEventListener("focus", refocus);
  };
}
