/** Racks and pallets: one box for each bay at any distance, and real pallets for the bays near the camera. */
import {
  BufferAttribute,
  Group,
  InstancedBufferAttribute,
  InstancedMesh,
  IntType,
  Matrix4,
  ShaderMaterial,
  Vector3,
} from "three";
import type { Unit } from "@shared/api/types";
import type { RackFrame, SiteFrame } from "../model/frame";
import { GOODS } from "../model/pick";
import { packBay, worstOfBay } from "../model/stock";
import { bayMaterial, goodsMaterial, repaint } from "./shaders";
import { openBox, placed } from "./shapes";

/** Bays whose middle is nearer than this to the camera show real pallets, in metres. */
export const NEAR_M = 40;
/** Most pallets drawn in detail at once, and most loose ones outside the racks. */
export const NEAR_MAX = 1400;
export const LOOSE_MAX = 400;

/** A pallet's footprint on the floor, and its height with goods when nothing else is known. Metres. */
const LOOSE_SIZE: [number, number, number] = [1.0, 1.2, 1.3];
const ALARMED = 16;

interface Bay {
  frame: RackFrame;
  index: number;
  firstSlot: number;
  middle: Vector3;
}

function baysOf(site: SiteFrame): Bay[] {
  return site.racks.flatMap((frame) =>
    Array.from({ length: frame.rack.bays }, (_, bay) => {
      const firstSlot = frame.firstSlot + bay * frame.rack.levels;
      const { centre } = site.slots[firstSlot]!;
      return { frame, index: frame.firstBay + bay, firstSlot, middle: new Vector3(centre.x, centre.y, frame.height / 2) };
    }),
  );
}

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

export class RackLayer {
  readonly group = new Group();
  private readonly bays: Bay[];
  private readonly bayMesh: InstancedMesh;
  private readonly goodsMesh: InstancedMesh;
  private readonly bayCodes: InstancedBufferAttribute;
  private readonly bayShape: InstancedBufferAttribute;
  private readonly goodsCode: InstancedBufferAttribute;
  private readonly goodsWear: InstancedBufferAttribute;
  private codes: Uint8Array;
  private unitAt: (slot: number) => Unit | undefined = () => undefined;
  private loose: { unit: Unit; code: number }[] = [];
  private isHidden: (rackId: string) => boolean = () => false;
  private readonly matrix = new Matrix4();

  constructor(private readonly site: SiteFrame) {
    this.bays = baysOf(site);
    this.codes = new Uint8Array(site.slots.length);
    const count = Math.max(1, this.bays.length);
    const box = openBox();
    this.bayCodes = new InstancedBufferAttribute(new Uint32Array(count * 2), 2);
    this.bayCodes.gpuType = IntType;
    this.bayShape = new InstancedBufferAttribute(new Float32Array(count * 4), 4);
    box.setAttribute("aCodes", this.bayCodes as BufferAttribute);
    box.setAttribute("aShape", this.bayShape);
    this.bayMesh = new InstancedMesh(box, bayMaterial(), count);
    this.bayMesh.count = this.bays.length;
    this.bays.forEach((bay) => this.standBay(bay));

    const goods = openBox();
    this.goodsCode = new InstancedBufferAttribute(new Float32Array(NEAR_MAX + LOOSE_MAX), 1);
    this.goodsWear = new InstancedBufferAttribute(new Float32Array(NEAR_MAX + LOOSE_MAX).fill(1), 1);
    goods.setAttribute("aCode", this.goodsCode);
    goods.setAttribute("aWear", this.goodsWear);
    this.goodsMesh = new InstancedMesh(goods, goodsMaterial(), NEAR_MAX + LOOSE_MAX);
    this.goodsMesh.frustumCulled = false;
    this.group.add(this.bayMesh, this.goodsMesh);
  }

  /** Triangles sent to the GPU now. */
  get triangles(): number {
    return (this.bayMesh.count + this.goodsMesh.count) * 10;
  }

  /** Takes the newest codes and who stands where. */
  setStock(
    codes: Uint8Array,
    unitAt: (slot: number) => Unit | undefined,
    loose: { unit: Unit; code: number }[],
    isHidden: (rackId: string) => boolean,
  ): void {
    this.codes = codes;
    this.unitAt = unitAt;
    this.loose = loose;
    this.isHidden = isHidden;
    const words = this.bayCodes.array as Uint32Array;
    for (const bay of this.bays) {
      const { levels } = bay.frame.rack;
      words.set(packBay(codes, bay.firstSlot, levels), bay.index * 2);
      this.bayShape.setZ(bay.index, worstOfBay(codes, bay.firstSlot, levels));
    }
    this.bayCodes.needsUpdate = true;
  }

  /** Chooses which bays are near a camera, in the site's frame, and lays out their pallets. */
  layOut(camera: Vector3): void {
    const near: { bay: Bay; distance: number }[] = [];
    for (const bay of this.bays) {
      const distance = bay.middle.distanceTo(camera);
      const isHidden = this.isHidden(bay.frame.rack.rack_id);
      this.bayShape.setW(bay.index, isHidden ? -1 : 0);
      if (!isHidden && distance < NEAR_M) near.push({ bay, distance });
    }
    near.sort((a, b) => a.distance - b.distance);
    let count = 0;
    for (const { bay } of near) {
      if (count + bay.frame.rack.levels > NEAR_MAX) break;
      this.bayShape.setW(bay.index, 1);
      count = this.standGoods(bay, count);
    }
    for (const item of this.loose.slice(0, LOOSE_MAX)) count = this.standLoose(item.unit, item.code, count);
    this.goodsMesh.count = count;
    this.goodsMesh.instanceMatrix.needsUpdate = true;
    this.goodsCode.needsUpdate = true;
    this.goodsWear.needsUpdate = true;
    this.bayShape.needsUpdate = true;
  }

  repaint(): void {
    repaint(this.bayMesh.material as ShaderMaterial);
    repaint(this.goodsMesh.material as ShaderMaterial);
  }

  /** Sizes of a unit as drawn, and the middle of its floor: for the frame around the selected one. */
  boxOf(unit: Unit, slot: number | undefined): { at: Vector3; turn: number; size: [number, number, number] } | null {
    if (slot === undefined) {
      const { point } = unit;
      return point ? { at: new Vector3(point.x_m, point.y_m, point.z_m), turn: 0, size: LOOSE_SIZE } : null;
    }
    const { centre, turn, rack } = this.site.slots[slot]!;
    return { at: new Vector3(centre.x, centre.y, centre.z), turn, size: this.goodsSize(this.site.racks[rack]!, unit) };
  }

  dispose(): void {
    for (const mesh of [this.bayMesh, this.goodsMesh]) {
      mesh.geometry.dispose();
      (mesh.material as ShaderMaterial).dispose();
      mesh.dispose();
    }
  }

  private standBay({ frame, index }: Bay): void {
    const { rack } = frame;
    const offset = (index - frame.firstBay) * frame.bayWidth;
    const corner = { x: frame.x + frame.cos * offset, y: frame.y + frame.sin * offset, z: 0 };
    const turn = Math.atan2(frame.sin, frame.cos);
    this.bayMesh.setMatrixAt(index, placed(this.matrix, corner, turn, [frame.bayWidth, frame.depth, frame.height]));
    this.bayShape.setXYZW(index, rack.levels, frame.firstLevel / frame.height, 0, 0);
  }

  private standGoods(bay: Bay, from: number): number {
    let count = from;
    for (let level = 0; level < bay.frame.rack.levels; level += 1) {
      const slot = bay.firstSlot + level;
      const unit = this.unitAt(slot);
      if (!unit || this.codes[slot] === 0) continue;
      const { centre, turn } = this.site.slots[slot]!;
      this.stand(count, centre, turn, this.goodsSize(bay.frame, unit), this.codes[slot]! + (unit.alarm ? ALARMED : 0));
      this.goodsWear.setX(count, wearOf(bay.index * 16 + level));
      count += 1;
    }
    return count;
  }

  private standLoose(unit: Unit, code: number, count: number): number {
    const { x_m, y_m, z_m } = unit.point!;
    this.stand(count, { x: x_m, y: y_m, z: z_m }, 0, LOOSE_SIZE, code + (unit.alarm ? ALARMED : 0));
    return count + 1;
  }

  private goodsSize(frame: RackFrame, unit: Unit): [number, number, number] {
    const height = frame.levelHeight * GOODS.height * heightShare(unit.sku);
    return [frame.bayWidth * GOODS.width, frame.depth * GOODS.depth, height];
  }

  private stand(row: number, floor: { x: number; y: number; z: number }, turn: number, size: [number, number, number], code: number): void {
    const [width, depth] = size;
    const cos = Math.cos(turn);
    const sin = Math.sin(turn);
    const x = floor.x - (cos * width - sin * depth) / 2;
    const y = floor.y - (sin * width + cos * depth) / 2;
    this.goodsMesh.setMatrixAt(row, placed(this.matrix, { x, y, z: floor.z }, turn, size));
    this.goodsCode.setX(row, code);
  }
}
