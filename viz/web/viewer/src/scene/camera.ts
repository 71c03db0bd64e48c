/** The camera: orbit, pan and zoom by hand, flights to things, and named viewpoints. */
import CameraControls from "camera-controls";
import {
  Box3,
  Matrix4,
  PerspectiveCamera,
  Quaternion,
  Raycaster,
  Sphere,
  Spherical,
  Vector2,
  Vector3,
  Vector4,
} from "three";
import { toSite, type SiteFrame } from "../model/frame";
import { zoneBounds } from "./ground";

CameraControls.install({
  THREE: { Box3, Matrix4, Quaternion, Raycaster, Sphere, Spherical, Vector2, Vector3, Vector4 },
});

export type ViewpointName = "overview" | "top" | "gate" | "aisle";
export const VIEWPOINTS: ViewpointName[] = ["overview", "top", "gate", "aisle"];

/** Position and target of the camera in the scene's frame (x east, y up, z south), six numbers in metres. */
export type Pose6 = [number, number, number, number, number, number];

/** The part of the window that panels leave free, in pixels from each edge. */
export interface Insets {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const FIELD_OF_VIEW_DEG = 38;
/** Time constants of movement in seconds. */
const SMOOTH_S = { flight: 0.32, drag: 0.08 };
const DISTANCE_M = { min: 2.5, max: 420 };
const KEY_STEP = { truckShare: 0.06, turn: Math.PI / 16, zoomShare: 0.2 };

/** Rounds of fitting a view, and the air left around it. */
const FIT_ROUNDS = 5;
const FIT_AIR = 1.06;
/** Where a person would stand to look at a slot: metres before the rack's face, along it, and above the pallet. */
const STAND_M = { before: 1.75, along: 4.6, above: 1.35 };

/** A point of the site's frame (z up) in the scene's frame (y up). */
export function sceneFromSite(x: number, y: number, z: number): Vector3 {
  return new Vector3(x, z, -y);
}

export class SiteCamera {
  readonly camera = new PerspectiveCamera(FIELD_OF_VIEW_DEG, 1, 0.3, 1500);
  readonly controls: CameraControls;
  private readonly reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
  private insets: Insets = { left: 0, right: 0, top: 0, bottom: 0 };
  private width = 1;
  private height = 1;

  constructor(canvas: HTMLElement) {
    this.controls = new CameraControls(this.camera, canvas);
    this.controls.smoothTime = SMOOTH_S.flight;
    this.controls.draggingSmoothTime = SMOOTH_S.drag;
    this.controls.minDistance = DISTANCE_M.min;
    this.controls.maxDistance = DISTANCE_M.max;
    this.controls.maxPolarAngle = Math.PI / 2 - 0.02;
    this.controls.dollyToCursor = true;
    this.controls.mouseButtons.right = CameraControls.ACTION.TRUCK;
    this.controls.mouseButtons.middle = CameraControls.ACTION.TRUCK;
    this.controls.touches.two = CameraControls.ACTION.TOUCH_DOLLY_TRUCK;
  }

  private get isSmooth(): boolean {
    return !this.reducedMotion.matches;
  }

  /** Size of the canvas and what panels cover, in pixels: the picture's middle is the middle of the free part. */
  resize(width: number, height: number, insets: Insets): void {
    this.width = width;
    this.height = height;
    this.insets = insets;
    this.camera.aspect = width / height;
    const x = (insets.right - insets.left) / 2;
    const y = (insets.bottom - insets.top) / 2;
    this.camera.setViewOffset(width, height, x, y, width, height);
    this.camera.updateProjectionMatrix();
  }

  /** Flies to a view that shows everything within `radius` metres of a point of the site. */
  lookAt(point: { x: number; y: number; z: number }, radius: number): void {
    const target = sceneFromSite(point.x, point.y, point.z);
    const distance = this.fitDistance(radius);
    const azimuth = this.controls.azimuthAngle;
    const polar = Math.min(this.controls.polarAngle, 1.12);
    const eye = new Vector3().setFromSphericalCoords(distance, polar, azimuth).add(target);
    this.fly([...eye.toArray(), ...target.toArray()] as Pose6);
  }

  /** Stands in the aisle before a slot, a little to the side, as a driver would see it. */
  standBefore(site: SiteFrame, slotIndex: number): void {
    const slot = site.slots[slotIndex]!;
    const frame = site.racks[slot.rack]!;
    const along = (slot.bay + 0.5) * frame.bayWidth;
    const side = along < frame.length / 2 ? 1 : -1;
    const eye = toSite(frame, along + side * STAND_M.along, -STAND_M.before, slot.centre.z + STAND_M.above);
    const target = toSite(frame, along, frame.depth * 0.2, slot.centre.z + frame.levelHeight * 0.42);
    this.fly([...sceneFromSite(eye.x, eye.y, eye.z).toArray(), ...sceneFromSite(target.x, target.y, target.z).toArray()] as Pose6);
  }

  fly(pose: Pose6, isSmooth = this.isSmooth): void {
    void this.controls.setLookAt(...pose, isSmooth);
  }

  /** The view now, to be kept as a viewpoint. */
  pose(): Pose6 {
    const eye = this.controls.getPosition(new Vector3(), true);
    const target = this.controls.getTarget(new Vector3(), true);
    return [...eye.toArray(), ...target.toArray()].map((value) => Math.round(value * 100) / 100) as Pose6;
  }

  /** Flies to one of the viewpoints that every site has. */
  goTo(name: ViewpointName, site: SiteFrame, isSmooth = this.isSmooth): void {
    this.fly(this.viewpoint(name, site), isSmooth);
  }

  /** Steps by keyboard: `across` and `up` move the view, `turn` goes round, `zoom` goes nearer. */
  step(move: { across?: number; up?: number; turn?: number; tilt?: number; zoom?: number }): void {
    const { controls } = this;
    const metres = controls.distance * KEY_STEP.truckShare;
    if (move.across) void controls.truck(move.across * metres, 0, this.isSmooth);
    if (move.up) void controls.forward(move.up * metres, this.isSmooth);
    if (move.turn) void controls.rotate(move.turn * KEY_STEP.turn, 0, this.isSmooth);
    if (move.tilt) void controls.rotate(0, move.tilt * KEY_STEP.turn, this.isSmooth);
    if (move.zoom) void controls.dolly(move.zoom * controls.distance * KEY_STEP.zoomShare, this.isSmooth);
  }

  /** Slopes of the free part's half width and half height, seen from the eye. */
  private freeSlopes(): { across: number; up: number } {
    const freeWidth = Math.max(120, this.width - this.insets.left - this.insets.right);
    const freeHeight = Math.max(120, this.height - this.insets.top - this.insets.bottom);
    const slope = Math.tan((FIELD_OF_VIEW_DEG * Math.PI) / 360) / this.height;
    return { across: slope * freeWidth, up: slope * freeHeight };
  }

  private fitDistance(radius: number): number {
    const { across, up } = this.freeSlopes();
    return radius / Math.min(across, up);
  }

  private viewpoint(name: ViewpointName, site: SiteFrame): Pose6 {
    if (name === "gate" && site.layout.gates.length > 0) return this.gateView(site);
    if (name === "aisle" && site.racks.length > 0) return aisleView(site);
    return name === "top" ? this.fitted(cornersOf(site), 0.001, 0) : this.fitted(cornersOf(site), 0.78, -0.3);
  }

  /**
   * The nearest view from a direction that shows all points within the free part of the window.
   *
   * Each round moves the target to the middle of what the points cover, and the eye as near as the widest admits;
   * perspective makes the two depend on each other, and four rounds settle them well below a pixel's worth.
   */
  private fitted(points: Vector3[], polar: number, azimuth: number): Pose6 {
    const back = new Vector3().setFromSphericalCoords(1, polar, azimuth);
    const right = new Vector3(Math.cos(azimuth), 0, -Math.sin(azimuth));
    const above = new Vector3().crossVectors(back, right);
    const slopes = this.freeSlopes();
    const target = new Box3().setFromPoints(points).getCenter(new Vector3());
    let distance = 1;
    for (let round = 0; round < FIT_ROUNDS; round += 1) {
      const seen = points.map((point) => {
        const from = point.clone().sub(target);
        return { x: from.dot(right), y: from.dot(above), depth: from.dot(back) };
      });
      distance = Math.max(...seen.map(({ x, y, depth }) => depth + Math.max(Math.abs(x) / slopes.across, Math.abs(y) / slopes.up)));
      const spread = (axis: "x" | "y") => seen.map((at) => at[axis] / (distance - at.depth));
      const middle = (shares: number[]) => ((Math.min(...shares) + Math.max(...shares)) / 2) * distance;
      target.addScaledVector(right, middle(spread("x"))).addScaledVector(above, middle(spread("y")));
    }
    const eye = target.clone().addScaledVector(back, distance * FIT_AIR);
    return [...eye.toArray(), ...target.toArray()] as Pose6;
  }

  private gateView(site: SiteFrame): Pose6 {
    const gate = site.layout.gates[0]!;
    const x = gate.x_mm / 1000;
    const y = gate.y_mm / 1000;
    const zone = site.layout.zones.find((item) => item.zone_id === gate.zone_id);
    const length = zone ? zoneBounds(zone).maxX - zoneBounds(zone).minX : 20;
    const turn = (gate.rotation_deg * Math.PI) / 180;
    const inward = { x: Math.cos(turn), y: Math.sin(turn) };
    const ahead = length * 0.3;
    const target = sceneFromSite(x + inward.x * ahead, y + inward.y * ahead, 0.5);
    const distance = this.fitDistance(Math.max(10, length * 0.42));
    const eye = new Vector3().setFromSphericalCoords(distance, 1.08, -0.55).add(target);
    return [...eye.toArray(), ...target.toArray()] as Pose6;
  }
}

/** Corners of everything that stands on the site: of its zones, and of the racks' tops. */
function cornersOf(site: SiteFrame): Vector3[] {
  const zones = site.layout.zones.flatMap((zone) => zone.outline_mm.map(([x, y]) => sceneFromSite(x / 1000, y / 1000, 0)));
  const racks = site.racks.flatMap((frame) =>
    [0, frame.length].map((x) => {
      const top = toSite(frame, x, 0, frame.height);
      return sceneFromSite(top.x, top.y, top.z);
    }),
  );
  const corners = [...zones, ...racks];
  const { width_mm: width, length_mm: length } = site.layout;
  return corners.length > 0 ? corners : [sceneFromSite(0, 0, 0), sceneFromSite(width / 1000, length / 1000, 0)];
}

/** Stands at the head of the first rack's aisle at the height of a driver's eyes. */
function aisleView(site: SiteFrame): Pose6 {
  const frame = site.racks[Math.floor(site.racks.length / 2)]!;
  const eye = toSite(frame, -5, -1.4, 2.6);
  const target = toSite(frame, Math.min(frame.length, 9), -1.1, 2.2);
  return [...sceneFromSite(eye.x, eye.y, eye.z).toArray(), ...sceneFromSite(target.x, target.y, target.z).toArray()] as Pose6;
}
