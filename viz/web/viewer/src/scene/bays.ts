/** Bays seen from afar: one box of ten triangles each, whatever it holds; see shaders.ts. */
import { InstancedBufferAttribute, InstancedMesh, IntType, Matrix4, ShaderMaterial, Vector3 } from "three";
import type { RackFrame, SiteFrame } from "../model/frame";
import { packBay, worstOfBay } from "../model/stock";
import { bayMaterial } from "./shaders";
import { openBox, placed } from "./shapes";

/** One bay of a rack. `index` counts all bays of the site, `firstSlot` is the slot of its lowest level. */
export interface Bay {
  frame: RackFrame;
  index: number;
  firstSlot: number;
  middle: Vector3;
  /** From the middle to the furthest corner, in metres. */
  radius: number;
  /** `site_from_bay` of a box from 0 to 1 on each axis. */
  boxMatrix: Matrix4;
  /** `site_from_bay` in metres from the bay's front left corner. */
  matrix: Matrix4;
}

function bayOf(site: SiteFrame, frame: RackFrame, bay: number): Bay {
  const offset = bay * frame.bayWidth;
  const corner = { x: frame.x + frame.cos * offset, y: frame.y + frame.sin * offset, z: 0 };
  const turn = Math.atan2(frame.sin, frame.cos);
  const firstSlot = frame.firstSlot + bay * frame.rack.levels;
  const { centre } = site.slots[firstSlot]!;
  return {
    frame,
    index: frame.firstBay + bay,
    firstSlot,
    middle: new Vector3(centre.x, centre.y, frame.height / 2),
    radius: Math.hypot(frame.bayWidth, frame.depth, frame.height) / 2,
    boxMatrix: placed(new Matrix4(), corner, turn, [frame.bayWidth, frame.depth, frame.height]),
    matrix: placed(new Matrix4(), corner, turn),
  };
}

/** All bays of a site in the order of its racks. */
export function baysOf(site: SiteFrame): Bay[] {
  return site.racks.flatMap((frame) => Array.from({ length: frame.rack.bays }, (_, bay) => bayOf(site, frame, bay)));
}

/** The instanced boxes. Rows are written anew with each layout, nearest first, so that depth hides the rest early. */
export class BayBoxes {
  readonly mesh: InstancedMesh;
  private readonly words: InstancedBufferAttribute;
  private readonly shape: InstancedBufferAttribute;

  constructor(capacity: number) {
    const rows = Math.max(1, capacity);
    const box = openBox();
    this.words = new InstancedBufferAttribute(new Uint32Array(rows * 2), 2);
    this.words.gpuType = IntType;
    this.shape = new InstancedBufferAttribute(new Float32Array(rows * 4), 4);
    box.setAttribute("aCodes", this.words);
    box.setAttribute("aShape", this.shape);
    this.mesh = new InstancedMesh(box, bayMaterial(), rows);
    this.mesh.frustumCulled = false;
    this.mesh.count = 0;
  }

  write(row: number, bay: Bay, codes: Uint8Array): void {
    const { rack, firstLevel, height } = bay.frame;
    (this.words.array as Uint32Array).set(packBay(codes, bay.firstSlot, rack.levels), row * 2);
    this.shape.setXYZW(row, rack.levels, firstLevel / height, worstOfBay(codes, bay.firstSlot, rack.levels), bay.index);
    this.mesh.setMatrixAt(row, bay.boxMatrix);
  }

  finish(rows: number): void {
    this.mesh.count = rows;
    this.mesh.instanceMatrix.needsUpdate = true;
    this.words.needsUpdate = true;
    this.shape.needsUpdate = true;
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    (this.mesh.material as ShaderMaterial).dispose();
    this.mesh.dispose();
  }
}
