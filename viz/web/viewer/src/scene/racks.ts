/**
 * Racks and pallets with level of detail: bays near the camera are real steel with real pallets, all others one
 * box each. What is out of sight is not sent; what is sent goes nearest first.
 */
import { Frustum, Group, ShaderMaterial, Sphere, Vector3 } from "three";
import type { Unit } from "@shared/api/types";
import type { SiteFrame } from "../model/frame";
import { BayBoxes, baysOf, type Bay } from "./bays";
import { goodsSize, GoodsBoxes, LOOSE_SIZE, type Size } from "./goods";
import { repaint } from "./shaders";
import { SteelFrames } from "./steel";

/** Bays whose middle is nearer than this to the camera are drawn in detail, in metres. */
export const NEAR_M = 26;
/** Most bays and pallets drawn in detail at once, and most loose pallets outside the racks. */
export const NEAR_BAYS_MAX = 240;
export const NEAR_GOODS_MAX = 1400;
export const LOOSE_MAX = 400;

export interface LooseUnit {
  unit: Unit;
  code: number;
}

interface Seen {
  bay: Bay;
  distance: number;
}

export class RackLayer {
  readonly group = new Group();
  private readonly bays: Bay[];
  private readonly boxes: BayBoxes;
  private readonly goods = new GoodsBoxes(NEAR_GOODS_MAX + LOOSE_MAX);
  private readonly steel: SteelFrames;
  private codes: Uint8Array;
  private unitAt: (slot: number) => Unit | undefined = () => undefined;
  private loose: LooseUnit[] = [];
  private isHidden: (rackId: string) => boolean = () => false;
  private readonly sphere = new Sphere();

  constructor(private readonly site: SiteFrame) {
    this.bays = baysOf(site);
    this.codes = new Uint8Array(site.slots.length);
    this.boxes = new BayBoxes(this.bays.length);
    this.steel = new SteelFrames(site.racks, NEAR_BAYS_MAX);
    // What hides most is drawn first, so that the depth test spares the rest.
    this.goods.mesh.renderOrder = -3;
    for (const mesh of this.steel.group.children) mesh.renderOrder = -2;
    this.boxes.mesh.renderOrder = -1;
    this.group.add(this.goods.mesh, this.steel.group, this.boxes.mesh);
  }

  /** Triangles sent to the GPU now. */
  get triangles(): number {
    return (this.boxes.mesh.count + this.goods.mesh.count) * 10 + this.steel.triangles;
  }

  /** Takes the newest codes and who stands where; shown with the next layout. */
  setStock(
    codes: Uint8Array,
    unitAt: (slot: number) => Unit | undefined,
    loose: LooseUnit[],
    isHidden: (rackId: string) => boolean,
  ): void {
    this.codes = codes;
    this.unitAt = unitAt;
    this.loose = loose;
    this.isHidden = isHidden;
  }

  /** Chooses what a camera at `eye` sees through `view`, both in the site's frame, and at which detail. */
  layOut(eye: Vector3, view: Frustum): void {
    const seen = this.seen(eye, view);
    let boxes = 0;
    let goods = this.standLoose();
    let nearBays = 0;
    this.steel.begin();
    for (const { bay, distance } of seen) {
      const isNear = distance < NEAR_M && nearBays < NEAR_BAYS_MAX && goods + bay.frame.rack.levels <= NEAR_GOODS_MAX;
      if (isNear) {
        this.steel.add(bay);
        goods = this.standGoods(bay, goods);
        nearBays += 1;
      } else {
        this.boxes.write(boxes, bay, this.codes);
        boxes += 1;
      }
    }
    this.steel.finish();
    this.goods.finish(goods);
    this.boxes.finish(boxes);
  }

  repaint(): void {
    repaint(this.boxes.mesh.material as ShaderMaterial);
    repaint(this.goods.mesh.material as ShaderMaterial);
    this.steel.repaint();
  }

  /** Sizes of a unit as drawn, and the middle of its floor: for the frame around the selected one. */
  boxOf(unit: Unit, slot: number | undefined): { at: Vector3; turn: number; size: Size } | null {
    if (slot === undefined) {
      const { point } = unit;
      return point ? { at: new Vector3(point.x_m, point.y_m, point.z_m), turn: 0, size: LOOSE_SIZE } : null;
    }
    const { centre, turn, rack } = this.site.slots[slot]!;
    return { at: new Vector3(centre.x, centre.y, centre.z), turn, size: goodsSize(this.site.racks[rack]!, unit) };
  }

  dispose(): void {
    this.boxes.dispose();
    this.goods.dispose();
    this.steel.dispose();
  }

  private seen(eye: Vector3, view: Frustum): Seen[] {
    const seen: Seen[] = [];
    for (const bay of this.bays) {
      if (this.isHidden(bay.frame.rack.rack_id)) continue;
      if (!view.intersectsSphere(this.sphere.set(bay.middle, bay.radius))) continue;
      seen.push({ bay, distance: bay.middle.distanceTo(eye) });
    }
    return seen.sort((a, b) => a.distance - b.distance);
  }

  private standGoods(bay: Bay, from: number): number {
    let row = from;
    for (let level = 0; level < bay.frame.rack.levels; level += 1) {
      const slot = bay.firstSlot + level;
      const code = this.codes[slot]!;
      const unit = code === 0 ? undefined : this.unitAt(slot);
      if (!unit) continue;
      const { centre, turn } = this.site.slots[slot]!;
      this.goods.write(row, unit, code, centre, turn, goodsSize(bay.frame, unit), bay.index * 16 + level);
      row += 1;
    }
    return row;
  }

  private standLoose(): number {
    const shown = this.loose.slice(0, LOOSE_MAX);
    shown.forEach(({ unit, code }, row) => {
      const { x_m: x, y_m: y, z_m: z } = unit.point!;
      this.goods.write(row, unit, code, { x, y, z }, 0, LOOSE_SIZE, row);
    });
    return shown.length;
  }
}
