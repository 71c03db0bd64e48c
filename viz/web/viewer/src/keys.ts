/** Keyboard: every key works anywhere on the page except while typing. The help panel lists the same keys. */
import { chooseTheme, currentTheme } from "@shared/theme/theme";
import { useEffect } from "react";
import { VIEWPOINTS } from "./scene/camera";
import { sceneLink } from "./scene/current";
import { showPlace } from "./state/place";
import { useSite } from "./state/site";
import { useView } from "./state/view";
import type { ColorMode } from "./model/looks";

export const MODES: ColorMode[] = ["evidence", "status", "age"];

/** Keys and the text key of what they do, in the order of the help panel. */
export const KEYS: [string, string][] = [
  ["/", "viewer.keys.search"],
  ["1 – 4", "viewer.keys.viewpoints"],
  ["← ↑ ↓ →", "viewer.keys.pan"],
  ["Q E", "viewer.keys.turn"],
  ["+ −", "viewer.keys.zoom"],
  ["F", "viewer.keys.fly"],
  ["A", "viewer.keys.alarm"],
  ["C", "viewer.keys.colors"],
  ["L", "viewer.keys.labels"],
  ["D", "viewer.keys.theme"],
  ["Esc", "viewer.keys.escape"],
  ["?", "viewer.keys.help"],
];

/** Flies to what is selected. */
export function flyToSelection(): void {
  const { selection } = useView.getState();
  const { stock, alarms } = useSite.getState();
  const link = sceneLink();
  if (selection?.kind === "asset") link?.flyToAsset(selection.id);
  const unit = selection?.kind === "unit" ? stock?.units.get(selection.id) : undefined;
  if (unit) link?.flyToUnit(unit);
  const alarm = selection?.kind === "alarm" ? alarms.find((item) => item.alarm_id === selection.id) : undefined;
  if (alarm) link?.flyToAlarm(alarm);
}

function showWorstAlarm(): void {
  const alarm = useSite.getState().alarms.find((item) => item.state === "active");
  if (!alarm) return;
  showPlace("site");
  useView.getState().select({ kind: "alarm", id: alarm.alarm_id });
  sceneLink()?.flyToAlarm(alarm);
}

const ACTIONS: Record<string, () => void> = {
  "/": () => document.querySelector<HTMLInputElement>("[data-search]")?.focus(),
  "?": () => useView.getState().set({ isHelpOpen: !useView.getState().isHelpOpen }),
  Escape: () => useView.getState().select(null),
  ArrowLeft: () => sceneLink()?.view.camera.step({ across: -1 }),
  ArrowRight: () => sceneLink()?.view.camera.step({ across: 1 }),
  ArrowUp: () => sceneLink()?.view.camera.step({ up: 1 }),
  ArrowDown: () => sceneLink()?.view.camera.step({ up: -1 }),
  q: () => sceneLink()?.view.camera.step({ turn: -1 }),
  e: () => sceneLink()?.view.camera.step({ turn: 1 }),
  "+": () => sceneLink()?.view.camera.step({ zoom: 1 }),
  "=": () => sceneLink()?.view.camera.step({ zoom: 1 }),
  "-": () => sceneLink()?.view.camera.step({ zoom: -1 }),
  f: flyToSelection,
  a: showWorstAlarm,
  c: () => {
    const { mode, setMode } = useView.getState();
    setMode(MODES[(MODES.indexOf(mode) + 1) % MODES.length]!);
  },
  l: () => useView.getState().toggleLayer("labels"),
  d: () => chooseTheme(currentTheme() === "dark" ? "light" : "dark"),
};

function actionOf(key: string): (() => void) | undefined {
  const viewpoint = VIEWPOINTS[Number(key) - 1];
  if (viewpoint) return () => sceneLink()?.view.camera.goTo(viewpoint, useSite.getState().frame!);
  return ACTIONS[key] ?? ACTIONS[key.toLowerCase()];
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}

export function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      // In a list or menu the arrows belong to it, and Escape closes what is open.
      const isInControl = event.target instanceof HTMLElement && event.target.closest("[role=menu], [role=listbox], dialog");
      const action = isInControl ? undefined : actionOf(event.key);
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
