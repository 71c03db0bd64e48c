/** Gates with portal and barrier, and weighbridges. A gate's own x axis points inwards, its lane crosses it. */
import { Group, Mesh, MeshBasicMaterial, MeshLambertMaterial, SphereGeometry } from "three";
import type { Gate, Weighbridge } from "@shared/api/types";
import { color } from "./palette";
import { assembled, block } from "./shapes";

const OPEN_TURN = (80 * Math.PI) / 180;
/** Time a barrier takes from shut to open, in milliseconds. */
const SWING_MS = 1400;
const PORTAL_HEIGHT = 4.6;

const lambert = () => new MeshLambertMaterial({ vertexColors: true });

function portal(gate: Gate): Mesh {
  const half = gate.width_mm / 2000;
  const steel = color("--scene-steel");
  const dark = color("--scene-fork-dark");
  const signal = color("--accent");
  const post = (y: number) => block([0.28, 0.28, PORTAL_HEIGHT], [0, y, 0], steel);
  const antenna = (x: number, y: number) => block([0.12, 0.5, 0.5], [x, y, 2.1], signal);
  const parts = [
    post(half),
    post(-half),
    block([0.36, half * 2 + 0.28, 0.32], [0, 0, PORTAL_HEIGHT], steel),
    block([0.3, 0.9, 0.24], [0, 0, PORTAL_HEIGHT - 0.24], dark),
    ...[-0.2, 0.2].flatMap((x) => [antenna(x, half - 0.2), antenna(x, 0.2 - half)]),
  ];
  return new Mesh(assembled(parts), lambert());
}

function arm(length: number): Mesh {
  const red = color("--grade-freeze");
  const white = color("--ink-on-strong");
  const count = 8;
  const step = length / count;
  const parts = Array.from({ length: count }, (_, at) =>
    block([0.14, step, 0.2], [0, (at + 0.5) * step, -0.1], at % 2 === 0 ? red : white),
  );
  return new Mesh(assembled(parts), lambert());
}

/** One gate: where it stands, and its arm that swings to what the barrier reports. */
export class GateModel {
  readonly group = new Group();
  private readonly pivot = new Group();
  private readonly lamp: Mesh<SphereGeometry, MeshBasicMaterial>;
  private share = 0;
  private target = 0;

  get isOpen(): boolean {
    return this.target === 1;
  }

  constructor(readonly gate: Gate) {
    const half = gate.width_mm / 2000;
    this.group.position.set(gate.x_mm / 1000, gate.y_mm / 1000, 0);
    this.group.rotation.z = (gate.rotation_deg * Math.PI) / 180;
    const housing = new Mesh(block([0.5, 0.5, 1.15], [1.4, -half + 0.1, 0], color("--scene-fork")), lambert());
    this.pivot.position.set(1.4, -half + 0.35, 1.0);
    this.pivot.add(arm(gate.width_mm / 1000 - 0.6));
    this.lamp = new Mesh(new SphereGeometry(0.24, 12, 8), new MeshBasicMaterial());
    this.lamp.position.set(1.4, -half + 0.1, 1.4);
    this.group.add(portal(gate), housing, this.pivot, this.lamp);
    this.show();
  }

  /** Swings to the new state, at once when `isSudden` (first picture, or motion not wanted). */
  setOpen(isOpen: boolean, isSudden: boolean): void {
    this.target = isOpen ? 1 : 0;
    if (isSudden) this.share = this.target;
    this.show();
  }

  /** Moves the arm on by some milliseconds; tells whether it still moves. */
  step(ms: number): boolean {
    if (this.share === this.target) return false;
    const move = ms / SWING_MS;
    const gap = this.target - this.share;
    this.share = Math.abs(gap) <= move ? this.target : this.share + Math.sign(gap) * move;
    this.show();
    return true;
  }

  private show(): void {
    const eased = this.share * this.share * (3 - 2 * this.share);
    this.pivot.rotation.x = eased * OPEN_TURN;
    this.lamp.material.color = color(this.target === 1 ? "--good" : "--grade-freeze");
  }
}

/** A weighbridge's platform with its ramps. `x_mm, y_mm` is its corner, the length runs along its own x axis. */
export function weighbridgeModel(bridge: Weighbridge): Mesh {
  const length = bridge.length_mm / 1000;
  const width = bridge.width_mm / 1000;
  const yellow = color("--scene-fork");
  const steel = color("--scene-steel");
  const rail = (y: number) => block([length, 0.16, 0.28], [length / 2, y, 0], yellow);
  const seam = (x: number) => block([0.05, width - 0.4, 0.13], [x, width / 2, 0], color("--scene-fork-dark"));
  const deck = block([length, width - 0.3, 0.12], [length / 2, width / 2, 0], steel);
  const seams = [0.25, 0.5, 0.75].map((share) => seam(length * share));
  const hut = block([1.6, 1.4, 2.4], [length / 2, -2.1, 0], color("--scene-wall"));
  const mesh = new Mesh(assembled([deck, rail(0.08), rail(width - 0.08), ...seams, hut]), lambert());
  mesh.position.set(bridge.x_mm / 1000, bridge.y_mm / 1000, 0.02);
  mesh.rotation.z = (bridge.rotation_deg * Math.PI) / 180;
  return mesh;
}
