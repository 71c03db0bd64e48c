/**
 * Labels over the scene as elements of the page: crisp, in both languages, read by a screen reader, and free of
 * cost for the GPU. Those of lower rank give way where they would overlap.
 */
import { MARKS, type MarkName } from "@shared/icons";
import { Vector3, type Camera } from "three";

export interface Label {
  id: string;
  text: string;
  /** A second, fainter line, such as a weight. */
  detail?: string;
  look: "place" | "rack" | "forklift" | "person" | "truck" | "gate" | "scale" | "pin" | "selected";
  /** For pins and gates: the token of their state. */
  color?: `--${string}`;
  /** For pins: a sign before the text, so that the grade is told by shape too. */
  mark?: MarkName;
  /** What a pin says when pointed at or read aloud. */
  title?: string;
  at: Vector3;
  /** Higher ranks keep their place. */
  rank: number;
  /** Not shown from further away, in metres. */
  farthest: number;
  onClick?: () => void;
}

interface Shown {
  element: HTMLElement;
  key: string;
  width: number;
  height: number;
}

/** Labels of this rank and above, vehicles among them, are lifted over others rather than left out, at most so many times. */
const LIFTED_RANK = 4;
const LIFTS_MAX = 4;

/** Most labels at once. */
export const LABELS_MAX = 160;

interface Place {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** From left to right, in pixels of the canvas. */
export interface Columns {
  left: number;
  right: number;
}

export class LabelLayer {
  private readonly shown = new Map<string, Shown>();
  private readonly point = new Vector3();

  constructor(private readonly host: HTMLElement) {}

  /**
   * Draws the labels for one camera. `scene_from_site` is applied by the caller: points are in the scene's frame.
   * A label whose point lies within `free`, the columns that no panel covers, stays within them.
   */
  draw(labels: Label[], camera: Camera, width: number, height: number, free: Columns): void {
    const taken: Place[] = [];
    const kept = new Set<string>();
    const ranked = [...labels].sort((a, b) => b.rank - a.rank).slice(0, LABELS_MAX);
    for (const label of ranked) {
      const distance = label.at.distanceTo(camera.position);
      this.point.copy(label.at).project(camera);
      const isInView = Math.abs(this.point.x) < 1.05 && Math.abs(this.point.y) < 1.05 && this.point.z < 1;
      if (!isInView || distance > label.farthest) continue;
      const y = ((1 - this.point.y) / 2) * height;
      const shown = this.elementOf(label);
      const x = within(((this.point.x + 1) / 2) * width, shown.width / 2, free);
      const place = freePlace(x, y, shown, taken, label.rank >= LIFTED_RANK ? LIFTS_MAX : 0);
      if (place === null) continue;
      taken.push(place);
      kept.add(label.id);
      shown.element.style.transform = `translate(${Math.round(x)}px, ${Math.round(place.bottom)}px) translate(-50%, -100%)`;
      shown.element.hidden = false;
    }
    this.hideOthers(kept, new Set(labels.map((label) => label.id)));
  }

  clear(): void {
    for (const { element } of this.shown.values()) element.remove();
    this.shown.clear();
  }

  private elementOf(label: Label): Shown {
    const key = `${label.look}|${label.text}|${label.detail ?? ""}|${label.color ?? ""}`;
    const known = this.shown.get(label.id);
    if (known?.key === key) return known;
    known?.element.remove();
    const element = document.createElement(label.onClick ? "button" : "div");
    element.className = "label";
    element.dataset["look"] = label.look;
    if (label.color) element.style.setProperty("--tag", `var(${label.color})`);
    if (label.onClick) element.onclick = label.onClick;
    if (label.mark) element.append(sign(label.mark));
    if (label.title) element.title = label.title;
    if (label.text) element.append(line("b", label.text));
    if (label.detail) element.append(line("span", label.detail));
    this.host.append(element);
    const made = { element, key, width: element.offsetWidth + 6, height: element.offsetHeight + 4 };
    this.shown.set(label.id, made);
    return made;
  }

  private hideOthers(kept: Set<string>, known: Set<string>): void {
    for (const [id, { element }] of this.shown) {
      if (kept.has(id)) continue;
      element.hidden = true;
      if (known.has(id)) continue;
      element.remove();
      this.shown.delete(id);
    }
  }
}

const SVG = "http://www.w3.org/2000/svg";

function sign(name: MarkName): SVGElement {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("class", "th-mark");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", MARKS[name]);
  path.setAttribute("fill", "currentColor");
  picture.append(path);
  return picture;
}

function line(tag: "b" | "span", text: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** The middle of something that reaches `half` to either side, moved no further than it takes to be seen whole. */
function within(x: number, half: number, { left, right }: Columns): number {
  return x < left || x > right ? x : Math.max(left + half, Math.min(x, right - half));
}

/** Where a label fits above its point: there, or lifted over what is in the way. Null when it would not fit. */
function freePlace(x: number, y: number, size: Shown, taken: Place[], lifts: number): Place | null {
  let bottom = y;
  for (let lift = 0; lift <= lifts; lift += 1) {
    const place = { left: x - size.width / 2, right: x + size.width / 2, top: bottom - size.height, bottom };
    const other = taken.find((item) => overlaps(place, item));
    if (!other) return place;
    bottom = other.top;
  }
  return null;
}

function overlaps(a: Place, b: Place): boolean {
  return a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
}
