/** Forklifts, people and trucks: one instanced mesh for each kind, moved smoothly between the poses that arrive. */
import {
  CapsuleGeometry,
  Color,
  CylinderGeometry,
  Group,
  InstancedBufferAttribute,
  InstancedMesh,
  Matrix4,
  MeshLambertMaterial,
  SphereGeometry,
  Vector3,
  type BufferGeometry,
  type ShaderMaterial,
} from "three";
import type { Asset } from "@shared/api/types";
import { Motion, type MovingPose } from "../model/motion";
import type { Pose } from "../model/wire";
import { color } from "./palette";
import { goodsMaterial, repaint } from "./shaders";
import { assembled, block, openBox, painted, placed } from "./shapes";

export type Kind = Asset["kind"];
export const KINDS: Kind[] = ["forklift", "person", "truck"];

/** Most things of one kind that are drawn. */
export const MOVERS_MAX = 256;

/** Radius within which a ray picks the thing, and the height of its middle and of its label. Metres. */
export const BODY: Record<Kind, { radius: number; middle: number; label: number }> = {
  forklift: { radius: 1.3, middle: 1.0, label: 3.0 },
  person: { radius: 0.6, middle: 0.9, label: 2.3 },
  truck: { radius: 3.2, middle: 1.8, label: 4.4 },
};

const LOAD_SIZE: [number, number, number] = [1.0, 1.2, 1.2];
/** From the forklift's middle to the middle of its load, forwards. Metres. */
const LOAD_AHEAD_M = 1.75;
const FADED = new Color(0.45, 0.45, 0.45);
const FULL = new Color(1, 1, 1);

function forklift(): BufferGeometry {
  const body = color("--scene-fork");
  const dark = color("--scene-fork-dark");
  const wheel = (x: number, y: number) =>
    painted(new CylinderGeometry(0.3, 0.3, 0.24, 12).translate(x, y, 0).translate(0, 0, 0.3), dark);
  const post = (x: number, y: number, height: number) => block([0.09, 0.09, height], [x, y, 0.3], dark);
  return assembled([
    block([1.5, 1.1, 0.65], [-0.25, 0, 0.28], body),
    block([0.5, 1.15, 1.0], [-0.95, 0, 0.28], dark),
    block([0.45, 0.5, 0.55], [-0.3, 0, 0.9], dark),
    block([1.35, 1.1, 0.07], [-0.3, 0, 2.08], body),
    post(-0.9, 0.5, 1.8),
    post(-0.9, -0.5, 1.8),
    post(0.35, 0.5, 1.8),
    post(0.35, -0.5, 1.8),
    block([0.12, 0.12, 2.6], [0.72, 0.33, 0.1], dark),
    block([0.12, 0.12, 2.6], [0.72, -0.33, 0.1], dark),
    block([1.15, 0.12, 0.06], [1.35, 0.28, 0.1], dark),
    block([1.15, 0.12, 0.06], [1.35, -0.28, 0.1], dark),
    wheel(0.4, 0.5),
    wheel(0.4, -0.5),
    wheel(-0.8, 0.48),
    wheel(-0.8, -0.48),
  ]);
}

function person(): BufferGeometry {
  const vest = color("--scene-person");
  const dark = color("--scene-fork-dark");
  const upright = (part: BufferGeometry) => part.rotateX(Math.PI / 2);
  return assembled([
    painted(upright(new CapsuleGeometry(0.25, 0.75, 4, 12)).translate(0, 0, 0.72), vest),
    painted(upright(new CylinderGeometry(0.27, 0.27, 0.1, 12)).translate(0, 0, 0.95), color("--selection")),
    painted(new SphereGeometry(0.19, 12, 10).translate(0, 0, 1.55), dark),
  ]);
}

function truck(): BufferGeometry {
  const cab = color("--scene-truck");
  const dark = color("--scene-fork-dark");
  const wall = color("--scene-trailer");
  const wheel = (x: number, y: number) =>
    painted(new CylinderGeometry(0.5, 0.5, 0.4, 14).translate(x, y, 0.5), dark);
  return assembled([
    block([2.1, 2.45, 2.3], [3.9, 0, 0.6], cab),
    block([0.06, 2.1, 0.8], [4.96, 0, 1.9], dark),
    block([9.6, 2.3, 0.25], [-0.1, 0, 0.8], dark),
    block([7.4, 2.5, 2.6], [-1.1, 0, 1.05], wall),
    ...[3.9, -2.6, -3.9].flatMap((x) => [wheel(x, 1.1), wheel(x, -1.1)]),
  ]);
}

const SHAPES: Record<Kind, () => BufferGeometry> = { forklift, person, truck };

interface Mover {
  asset: Asset;
  motion: Motion;
  isStale: boolean;
  isLoaded: boolean;
}

export class MoverLayer {
  readonly group = new Group();
  private readonly meshes: Record<Kind, InstancedMesh>;
  private readonly loads: InstancedMesh;
  private readonly movers = new Map<string, Mover>();
  private readonly byIndex = new Map<number, string>();
  private readonly hidden = new Set<Kind>();
  private readonly matrix = new Matrix4();

  constructor() {
    const mesh = (kind: Kind) => {
      const made = new InstancedMesh(SHAPES[kind](), new MeshLambertMaterial({ vertexColors: true }), MOVERS_MAX);
      made.frustumCulled = false;
      made.count = 0;
      this.group.add(made);
      return made;
    };
    this.meshes = { forklift: mesh("forklift"), person: mesh("person"), truck: mesh("truck") };
    const box = openBox().translate(-0.5, -0.5, 0);
    box.setAttribute("aCode", new InstancedBufferAttribute(new Float32Array(MOVERS_MAX).fill(2), 1));
    box.setAttribute("aWear", new InstancedBufferAttribute(new Float32Array(MOVERS_MAX).fill(1), 1));
    this.loads = new InstancedMesh(box, goodsMaterial(), MOVERS_MAX);
    this.loads.frustumCulled = false;
    this.group.add(this.loads);
  }

  /** Takes the list of things there are; those not in it are gone. `code` is the colour of a load by its tag. */
  setAssets(assets: Iterable<Asset>, now: number): void {
    const seen = new Set<string>();
    this.byIndex.clear();
    for (const asset of assets) {
      seen.add(asset.asset_id);
      this.byIndex.set(asset.index, asset.asset_id);
      const pose = { x: asset.point.x_m, y: asset.point.y_m, z: asset.point.z_m, headingDeg: asset.heading_deg };
      const known = this.movers.get(asset.asset_id);
      if (known) known.asset = asset;
      else {
        const motion = new Motion(pose, now);
        this.movers.set(asset.asset_id, { asset, motion, isStale: asset.state === "stale", isLoaded: asset.load_epc !== null });
      }
    }
    for (const id of this.movers.keys()) if (!seen.has(id)) this.movers.delete(id);
  }

  /** Takes new poses; those of things not announced yet are passed over. */
  setPoses(poses: Pose[], now: number, isSudden: boolean): void {
    for (const pose of poses) {
      const mover = this.movers.get(this.byIndex.get(pose.index) ?? "");
      if (!mover) continue;
      mover.isStale = pose.isStale;
      mover.isLoaded = pose.isLoaded;
      if (isSudden) mover.motion = new Motion(pose, now);
      else mover.motion.moveTo(pose, now);
    }
  }

  setHidden(kind: Kind, isHidden: boolean): void {
    if (isHidden) this.hidden.add(kind);
    else this.hidden.delete(kind);
  }

  /** Sets every instance to its pose of this moment; tells whether something still moves. */
  layOut(now: number): boolean {
    const counts: Record<Kind, number> = { forklift: 0, person: 0, truck: 0 };
    let loads = 0;
    let isMoving = false;
    for (const mover of this.movers.values()) {
      const { kind } = mover.asset;
      if (this.hidden.has(kind) || counts[kind] >= MOVERS_MAX) continue;
      isMoving ||= mover.motion.isMoving(now);
      const pose = mover.motion.at(now);
      const turn = (pose.headingDeg * Math.PI) / 180;
      const row = counts[kind]++;
      this.meshes[kind].setMatrixAt(row, placed(this.matrix, { x: pose.x, y: pose.y, z: 0 }, turn));
      this.meshes[kind].setColorAt(row, mover.isStale ? FADED : FULL);
      if (kind === "forklift" && mover.isLoaded) this.standLoad(loads++, pose, turn);
    }
    for (const kind of KINDS) this.finish(this.meshes[kind], counts[kind]);
    this.finish(this.loads, loads);
    return isMoving;
  }

  /** Where a thing is shown now, or null when there is none of that name. */
  poseOf(assetId: string, now: number): MovingPose | null {
    return this.movers.get(assetId)?.motion.at(now) ?? null;
  }

  /** Everything that is shown now with its pose: for labels and picking. */
  *shown(now: number): Generator<{ asset: Asset; pose: MovingPose; isStale: boolean }> {
    for (const { asset, motion, isStale } of this.movers.values()) {
      if (!this.hidden.has(asset.kind)) yield { asset, pose: motion.at(now), isStale };
    }
  }

  repaint(): void {
    for (const kind of KINDS) {
      this.meshes[kind].geometry.dispose();
      this.meshes[kind].geometry = SHAPES[kind]();
    }
    repaint(this.loads.material as ShaderMaterial);
  }

  private standLoad(row: number, pose: MovingPose, turn: number): void {
    const at = new Vector3(pose.x + Math.cos(turn) * LOAD_AHEAD_M, pose.y + Math.sin(turn) * LOAD_AHEAD_M, pose.z + 0.2);
    this.loads.setMatrixAt(row, placed(this.matrix, at, turn, LOAD_SIZE));
  }

  private finish(mesh: InstancedMesh, count: number): void {
    mesh.count = count;
    mesh.instanceMatrix.needsUpdate = true;
    if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true;
  }
}
