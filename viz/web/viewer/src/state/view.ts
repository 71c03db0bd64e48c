/** What the person looks at and how: selection, colours, layers. Kept in this browser, never sent. */
import { create } from "zustand";
import type { ColorMode } from "../model/looks";

export type Selection =
  | { kind: "unit"; id: string }
  | { kind: "asset"; id: string }
  | { kind: "alarm"; id: string };

export type Layer =
  | "zones"
  | "racks"
  | "pallets"
  | "forklifts"
  | "people"
  | "trucks"
  | "gates"
  | "labels";

export const LAYERS: Layer[] = ["zones", "racks", "pallets", "forklifts", "people", "trucks", "gates", "labels"];

export type Sheet = "stock" | "alarms" | "activity" | null;

export interface ViewState {
  mode: ColorMode;
  /** Kinds of the colour mode that are faded. */
  faded: ReadonlySet<string>;
  hiddenLayers: ReadonlySet<Layer>;
  hiddenRacks: ReadonlySet<string>;
  /** Only this level is shown; null shows all. From 1. */
  level: number | null;
  selection: Selection | null;
  isHelpOpen: boolean;
  isActivityOpen: boolean;
  /** On narrow screens: the one panel that is open. */
  sheet: Sheet;
  setMode: (mode: ColorMode) => void;
  toggleFaded: (kind: string) => void;
  /** Shows this kind alone; a second time shows all again. */
  isolate: (kind: string, all: string[]) => void;
  toggleLayer: (layer: Layer) => void;
  toggleRack: (rackId: string) => void;
  setLevel: (level: number | null) => void;
  select: (selection: Selection | null) => void;
  set: (part: Partial<Pick<ViewState, "isHelpOpen" | "isActivityOpen" | "sheet">>) => void;
}

function toggled<T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(item)) next.add(item);
  return next;
}

export const useView = create<ViewState>((set) => ({
  mode: "evidence",
  faded: new Set(),
  hiddenLayers: new Set(),
  hiddenRacks: new Set(),
  level: null,
  selection: null,
  isHelpOpen: false,
  isActivityOpen: true,
  sheet: null,
  setMode: (mode) => set({ mode, faded: new Set() }),
  toggleFaded: (kind) => set((view) => ({ faded: toggled(view.faded, kind) })),
  isolate: (kind, all) =>
    set((view) => {
      const others = new Set(all.filter((item) => item !== kind));
      const isIsolated = view.faded.size === others.size && !view.faded.has(kind);
      return { faded: isIsolated ? new Set() : others };
    }),
  toggleLayer: (layer) => set((view) => ({ hiddenLayers: toggled(view.hiddenLayers, layer) })),
  toggleRack: (rackId) => set((view) => ({ hiddenRacks: toggled(view.hiddenRacks, rackId) })),
  setLevel: (level) => set({ level }),
  select: (selection) => set({ selection }),
  set,
}));
