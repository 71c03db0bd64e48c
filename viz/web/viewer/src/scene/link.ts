/** Feeds the scene from the stores: stock, assets, gates, labels, selection, theme and language. */
import { LOOKS } from "@shared/icons";
import { formatAge, formatMass } from "@shared/i18n/format";
import { i18n } from "@shared/react/page";
import { onThemeChange } from "@shared/theme/theme";
import type { Alarm, Asset, Unit } from "@shared/api/types";
import type { SiteFrame } from "../model/frame";
import { EMPTY, unitCode } from "../model/looks";
import { serverNow, useSite } from "../state/site";
import { useView, type ViewState } from "../state/view";
import { sceneFromSite, type Insets } from "./camera";
import type { Label } from "./labels";
import { BODY, KINDS } from "./movers";
import { SceneView, type Picked } from "./scene_view";

/** Side of the squares in which pallets outside the racks share a pin, in metres. */
const GROUP_M = 8;

function groupOf(at: { x: number; y: number }): string {
  return `floor.${Math.round(at.x / GROUP_M)}.${Math.round(at.y / GROUP_M)}`;
}

export interface Hover {
  picked: Picked;
  x: number;
  y: number;
}

/** `?quality=full` keeps every pixel however slow the machine: for pictures that are kept. */
function isQualityPinned(): boolean {
  return new URLSearchParams(window.location.search).get("quality") === "full";
}

/** Ages grow without news: colours by age are worked out anew this often, in milliseconds. */
const AGE_REFRESH_MS = 60_000;
/** Alarm pins at most; pallets of one bay share a pin. */
const PINS_MAX = 60;
/** Mild alarms would cover the site with pins: from afar only the grave ones show. Metres from the camera. */
const PIN_FARTHEST_M = { freeze: 600, restrict: 600, check: 75, note: 45 } as const;
const PLURAL_OF = { forklift: "forklifts", person: "people", truck: "trucks" } as const;

export class SceneLink {
  readonly view: SceneView;
  private readonly stops: (() => void)[] = [];
  private insets: Insets = { left: 0, right: 0, top: 0, bottom: 0 };

  constructor(
    canvas: HTMLCanvasElement,
    labelHost: HTMLElement,
    private readonly site: SiteFrame,
    onHover: (hover: Hover | null) => void,
  ) {
    const events = {
      onPick: (picked: Picked | null) => this.select(picked),
      onHover: (picked: Picked | null, x: number, y: number) => onHover(picked ? { picked, x, y } : null),
      onFrame: () => this.noteFrame(),
    };
    this.view = new SceneView(canvas, labelHost, site, events, i18n.locale === "zh", isQualityPinned());
    this.view.labelsNow = (now) => this.labels(now);
    this.view.isFull = (slot) => this.codeAt(slot) !== EMPTY;
    this.takeAll();
    this.listen();
  }

  /** Says which part of the window is free of panels. */
  setInsets(insets: Insets): void {
    const isFirst = this.insets.left + this.insets.right + this.insets.top === 0;
    this.insets = insets;
    this.view.resize(insets);
    if (isFirst) this.view.camera.goTo("overview", this.site, false);
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    this.view.dispose();
  }

  /** Flies to a unit and draws the frame around it. */
  flyToUnit(unit: Unit): void {
    const slot = useSite.getState().stock?.slotOf(unit);
    if (slot !== undefined) return this.view.camera.standBefore(this.site, slot);
    const box = this.boxOf(unit);
    if (box) this.view.camera.lookAt({ x: box.at.x, y: box.at.y, z: box.at.z + 0.6 }, 5);
  }

  flyToAsset(assetId: string): void {
    const pose = this.view.movers.poseOf(assetId, performance.now());
    if (pose) this.view.camera.lookAt({ ...pose, z: 1 }, 7);
  }

  flyToPoint(point: { x: number; y: number; z: number }, radius: number): void {
    this.view.camera.lookAt(point, radius);
  }

  /** Flies to where an alarm is: its point, its first unit, or its gate. */
  flyToAlarm(alarm: Alarm): void {
    const { stock } = useSite.getState();
    const unit = alarm.unit_ids.map((id) => stock?.units.get(id)).find((item) => item && this.boxOf(item));
    const gate = this.site.layout.gates.find((item) => item.gate_id === alarm.gate_id);
    if (alarm.point) this.flyToPoint({ x: alarm.point.x_m, y: alarm.point.y_m, z: alarm.point.z_m + 0.8 }, 9);
    else if (gate) this.flyToPoint({ x: gate.x_mm / 1000, y: gate.y_mm / 1000, z: 1 }, 11);
    else if (unit) this.flyToUnit(unit);
  }

  /** Notes in the page's probe what has been drawn. */
  private noteFrame(): void {
    window.__tallyhouse.framesDrawn = this.view.framesDrawn;
    window.__tallyhouse.units = useSite.getState().stock?.units.size ?? 0;
    window.__tallyhouse.rackTriangles = this.view.racks.triangles;
  }

  private codes: Uint8Array = new Uint8Array(0);

  private codeAt(slot: number): number {
    return this.codes[slot] ?? EMPTY;
  }

  private listen(): void {
    const repaint = () => this.view.repaint(i18n.locale === "zh");
    this.stops.push(
      onThemeChange(repaint),
      i18n.subscribe(repaint),
      useSite.subscribe((state, before) => {
        if (state.stockVersion !== before.stockVersion) this.takeStock();
        if (state.assets !== before.assets) this.takeAssets();
        if (state.barriers !== before.barriers) this.takeBarriers(before.barriers.size === 0);
        this.view.touch();
      }),
      useView.subscribe((view, before) => this.takeView(view, before)),
    );
    const timer = window.setInterval(() => this.takeStock(), AGE_REFRESH_MS);
    this.stops.push(() => window.clearInterval(timer));
  }

  private takeAll(): void {
    this.takeStock();
    this.takeAssets();
    this.takeBarriers(true);
  }

  private takeStock(): void {
    const { stock } = useSite.getState();
    const { mode, faded, hiddenRacks, hiddenLayers, level, selection } = useView.getState();
    if (!stock) return;
    const now = serverNow();
    const arePalletsHidden = hiddenLayers.has("pallets");
    this.codes = arePalletsHidden ? new Uint8Array(this.site.slots.length) : stock.codes(mode, now, faded);
    if (level !== null) this.site.slots.forEach((slot, at) => slot.level + 1 !== level && (this.codes[at] = EMPTY));
    const loose = arePalletsHidden ? [] : stock.loose();
    this.view.loose = loose;
    this.view.racks.setStock(
      this.codes,
      (slot) => stock.unitsAt(slot)[0],
      loose.map((unit) => ({ unit, code: unitCode(unit, mode, now, faded) })),
      (rackId) => hiddenRacks.has(rackId),
    );
    this.frame(selection);
    this.view.touch();
  }

  private takeAssets(): void {
    this.view.movers.setAssets(useSite.getState().assets.values(), performance.now());
    this.view.touch();
  }

  private takeBarriers(isSudden: boolean): void {
    for (const barrier of useSite.getState().barriers.values()) {
      this.view.gates.get(barrier.gate_id)?.setOpen(barrier.is_open, isSudden);
    }
    this.view.touch();
  }

  private takeView(view: ViewState, before: ViewState): void {
    const isSameStock =
      view.mode === before.mode &&
      view.faded === before.faded &&
      view.level === before.level &&
      view.hiddenRacks === before.hiddenRacks &&
      view.hiddenLayers === before.hiddenLayers;
    if (!isSameStock) this.takeStock();
    if (view.selection !== before.selection) this.frame(view.selection);
    if (view.hiddenLayers === before.hiddenLayers) return;
    for (const layer of ["zones", "racks", "gates"] as const) this.view.setVisible(layer, !view.hiddenLayers.has(layer));
    for (const kind of KINDS) this.view.movers.setHidden(kind, view.hiddenLayers.has(PLURAL_OF[kind]));
    this.view.touch();
  }

  private boxOf(unit: Unit) {
    const slot = useSite.getState().stock?.slotOf(unit);
    return this.view.racks.boxOf(unit, slot);
  }

  private frame(selection: ViewState["selection"]): void {
    const unit = selection?.kind === "unit" ? useSite.getState().stock?.units.get(selection.id) : undefined;
    this.view.frameUnit(unit ? this.boxOf(unit) : null);
  }

  private select(picked: Picked | null): void {
    const { select } = useView.getState();
    if (picked?.kind === "asset") return select({ kind: "asset", id: picked.id });
    const unit = picked && this.unitOf(picked);
    select(unit ? { kind: "unit", id: unit.unit_id } : null);
  }

  /** The unit that a pick names. */
  unitOf(picked: Picked): Unit | undefined {
    if (picked.kind === "loose") return picked.unit;
    return picked.kind === "unit" ? useSite.getState().stock?.unitsAt(picked.slot)[0] : undefined;
  }

  private labels(now: number): Label[] {
    const { hiddenLayers } = useView.getState();
    const names = hiddenLayers.has("labels") ? [] : [...this.rackLabels(), ...this.fixtureLabels(), ...this.moverLabels(now)];
    return [...names, ...this.pins()];
  }

  private rackLabels(): Label[] {
    return this.site.racks.map(({ rack, x, y, cos, sin, depth, height }) => ({
      id: `rack.${rack.rack_id}`,
      text: rack.rack_id,
      look: "rack",
      at: sceneFromSite(x - (sin * depth) / 2, y + (cos * depth) / 2, height + 0.4),
      rank: 1,
      farthest: 110,
    }));
  }

  private fixtureLabels(): Label[] {
    const { weighbridges, barriers } = useSite.getState();
    const scales = this.site.layout.weighbridges.map((bridge): Label => {
      const reading = weighbridges.get(bridge.weighbridge_id);
      const mass = reading?.mass_g ?? null;
      const at = reading?.at ?? null;
      const turn = (bridge.rotation_deg * Math.PI) / 180;
      const [length, width] = [bridge.length_mm / 2000, bridge.width_mm / 2000];
      const x = bridge.x_mm / 1000 + Math.cos(turn) * length - Math.sin(turn) * width;
      const y = bridge.y_mm / 1000 + Math.sin(turn) * length + Math.cos(turn) * width;
      return {
        id: `scale.${bridge.weighbridge_id}`,
        // A bridge that never weighed, or whose weighings this person may not see, is not said to be empty.
        text: mass === null ? bridge.weighbridge_id : formatMass(mass, i18n.locale),
        ...(at === null ? {} : { detail: `${bridge.weighbridge_id} · ${formatAge(at, serverNow(), i18n.locale)}` }),
        look: "scale",
        at: sceneFromSite(x, y, mass === null ? 1.4 : 4.6),
        rank: 8,
        farthest: 400,
      };
    });
    const gates = this.site.layout.gates.map((gate): Label => {
      const isOpen = barriers.get(gate.gate_id)?.is_open ?? false;
      return {
        id: `gate.${gate.gate_id}`,
        text: gate.gate_id,
        detail: i18n.t(isOpen ? "viewer.barrierOpen" : "viewer.barrierShut"),
        look: "gate",
        color: isOpen ? "--good" : "--grade-note",
        at: sceneFromSite(gate.x_mm / 1000, gate.y_mm / 1000, 5.3),
        rank: 7,
        farthest: 400,
      };
    });
    return [...scales, ...gates];
  }

  private moverLabels(now: number): Label[] {
    return [...this.view.movers.shown(now)].map(({ asset, pose, isStale }) => ({
      id: `asset.${asset.asset_id}`,
      text: asset.label,
      ...(isStale ? { detail: this.silence(asset) } : {}),
      look: asset.kind,
      at: sceneFromSite(pose.x, pose.y, BODY[asset.kind].label),
      rank: asset.kind === "person" ? 2 : 4,
      farthest: asset.kind === "person" ? 90 : 260,
    }));
  }

  /** A truck is heard at the gate alone, and its silence elsewhere is no fault. */
  private silence(asset: Asset): string {
    return asset.kind === "truck" ? formatAge(asset.at, serverNow(), i18n.locale) : i18n.t("viewer.stale");
  }

  /** One pin for each bay that holds alarmed pallets, and for each group of them outside the racks. */
  private pins(): Label[] {
    const { stock } = useSite.getState();
    const pins = new Map<string, { units: Unit[]; at: Label["at"] }>();
    for (const unit of stock?.units.values() ?? []) {
      const box = unit.alarm ? this.boxOf(unit) : null;
      if (!box) continue;
      const slot = stock!.slotOf(unit);
      const key = slot === undefined ? groupOf(box.at) : `${this.site.slots[slot]!.rack}.${this.site.slots[slot]!.bay}`;
      const pin = pins.get(key) ?? { units: [], at: sceneFromSite(box.at.x, box.at.y, box.at.z + box.size[2] + 0.5) };
      pin.units.push(unit);
      pins.set(key, pin);
    }
    return [...pins].slice(0, PINS_MAX).map(([key, { units, at }]) => this.pin(key, units, at));
  }

  private pin(key: string, units: Unit[], at: Label["at"]): Label {
    const grades = ["freeze", "restrict", "check", "note"] as const;
    const grade = grades.find((item) => units.some((unit) => unit.alarm === item))!;
    const first = units[0]!;
    return {
      id: `pin.${key}`,
      text: units.length > 1 ? String(units.length) : "",
      title: `${i18n.t(`grade.${grade}`)} · ${i18n.t("viewer.pallets", { count: units.length })}`,
      look: "pin",
      color: LOOKS.grade[grade].color,
      mark: LOOKS.grade[grade].mark,
      at,
      rank: 10,
      farthest: PIN_FARTHEST_M[grade],
      onClick: () => {
        useView.getState().select({ kind: "unit", id: first.unit_id });
        this.flyToUnit(first);
      },
    };
  }
}
