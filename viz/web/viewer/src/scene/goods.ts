/** Pallets with goods seen near: one box each, its pallet, cartons and pattern drawn by the shader. */
import { InstancedBufferAttribute, InstancedMesh, Matrix4, ShaderMaterial } from "three";
import type { Unit } from "@shared/api/types";
import type { RackFrame, Vec3 } from "../model/frame";
import { GOODS } from "../model/pick";
import { goodsMaterial } from "./shaders";
import { openBox, placed } from "./shapes";

/** Width, depth and height in metres. */
export type Size = [number, number, number];

/** A pallet outside the racks, with goods of a height that nothing else tells. */
export const LOOSE_SIZE: Size = [1.0, 1.2, 1.3];

/** Added to a code when an alarm names the unit. */
const ALARMED = 16;

/** A share of the full height between 0.72 and 1 that stays the same for a SKU: goods differ, pallets of one do not. */
function heightShare(sku: string): number {
  let hash = 2166136261;
  for (let at = 0; at < sku.length; at += 1) hash = Math.imul(hash ^ sku.charCodeAt(at), 16777619);
  return 0.72 + ((hash >>> 8) % 1000) / 3570;
}

/** The same small difference of shade that the bays' shader gives the goods of a level. */
function wearOf(seed: number): number {
  const mixed = Math.imul(seed ^ 61, 2654435761) >>> 0;
  return 0.93 + (0.14 * ((mixed >>> 9) & 1023)) / 1023;
}

/** How large the goods of a unit are drawn in a rack's cell. */
export function goodsSize(frame: RackFrame, unit: Unit): Size {
  const height = frame.levelHeight * GOODS.height * heightShare(unit.sku);
  return [frame.bayWidth * GOODS.width, frame.depth * GOODS.depth, height];
}

export class GoodsBoxes {
  readonly mesh: InstancedMesh;
  private readonly code: InstancedBufferAttribute;
  private readonly wear: InstancedBufferAttribute;
  private readonly matrix = new Matrix4();

  constructor(capacity: number) {
    const box = openBox();
    this.code = new InstancedBufferAttribute(new Float32Array(capacity), 1);
    this.wear = new InstancedBufferAttribute(new Float32Array(capacity).fill(1), 1);
    box.setAttribute("aCode", this.code);
    box.setAttribute("aWear", this.wear);
    this.mesh = new InstancedMesh(box, goodsMaterial(), capacity);
    this.mesh.frustumCulled = false;
    this.mesh.count = 0;
  }

  /** Stands a unit on a floor's middle. `seed` makes its small difference of shade. */
  write(row: number, unit: Unit, code: number, floor: Vec3, turn: number, size: Size, seed: number): void {
    const [width, depth] = size;
    const cos = Math.cos(turn);
    const sin = Math.sin(turn);
    const x = floor.x - (cos * width - sin * depth) / 2;
    const y = floor.y - (sin * width + cos * depth) / 2;
    this.mesh.setMatrixAt(row, placed(this.matrix, { x, y, z: floor.z }, turn, size));
    this.code.setX(row, code + (unit.alarm ? ALARMED : 0));
    this.wear.setX(row, wearOf(seed));
  }

  finish(rows: number): void {
    this.mesh.count = rows;
    this.mesh.instanceMatrix.needsUpdate = true;
    this.code.needsUpdate = true;
    this.wear.needsUpdate = true;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    (this.mesh.material as ShaderMaterial).dispose();
    this.mesh.dispose();
  }
}
