/** The ground: floor, zones with their markings, names painted on the floor, and a soft shade under the racks. */
import {
  BufferGeometry,
  CanvasTexture,
  Float32BufferAttribute,
  Group,
  LineBasicMaterial,
  LineLoop,
  Mesh,
  MeshBasicMaterial,
  PlaneGeometry,
  Shape,
  ShapeGeometry,
  SRGBColorSpace,
  type Material,
  type Object3D,
} from "three";
import type { Zone } from "@shared/api/types";
import { token } from "@shared/theme/theme";
import { toSite, type SiteFrame } from "../model/frame";
import { color } from "./palette";

/** Heights over the ground in metres, so that areas that overlap do not flicker. */
const HEIGHT = { zone: 0.01, road: 0.02, shade: 0.03, line: 0.04, name: 0.05 };
/** The ground covers most of the picture and is covered itself: it is drawn last. */
const GROUND_ORDER = 5;
/** Room around the site's outline in metres. */
const MARGIN_M = 400;

const FILL: Record<Zone["kind"], `--${string}`> = {
  storage: "--scene-storage",
  staging: "--scene-staging",
  dock: "--scene-dock",
  yard: "--scene-yard",
  road: "--scene-road",
  pen: "--scene-pen",
  pasture: "--scene-pasture",
  fence: "--scene-ground",
  no_go: "--scene-no-go",
};

function outlineM(zone: Zone): [number, number][] {
  return zone.outline_mm.map(([x, y]) => [x / 1000, y / 1000]);
}

/** Corners of a zone's bounding box in metres. */
export function zoneBounds(zone: Zone): { minX: number; minY: number; maxX: number; maxY: number } {
  const points = outlineM(zone);
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return { minX: Math.min(...xs), minY: Math.min(...ys), maxX: Math.max(...xs), maxY: Math.max(...ys) };
}

function area(zone: Zone): Mesh {
  const shape = new Shape();
  outlineM(zone).forEach(([x, y], at) => (at === 0 ? shape.moveTo(x, y) : shape.lineTo(x, y)));
  const mesh = new Mesh(new ShapeGeometry(shape), new MeshBasicMaterial({ color: color(FILL[zone.kind]) }));
  mesh.renderOrder = GROUND_ORDER;
  mesh.position.z = zone.kind === "road" ? HEIGHT.road : HEIGHT.zone;
  return mesh;
}

function edge(zone: Zone): LineLoop {
  const points = outlineM(zone).flatMap(([x, y]) => [x, y, HEIGHT.line]);
  const geometry = new BufferGeometry().setAttribute("position", new Float32BufferAttribute(points, 3));
  return new LineLoop(geometry, new LineBasicMaterial({ color: color("--scene-marking") }));
}

/** A name painted on the floor along the zone's southern edge. */
function paintedName(zone: Zone, name: string): Mesh {
  const canvas = document.createElement("canvas");
  canvas.width = 1024;
  canvas.height = 128;
  const pen = canvas.getContext("2d")!;
  pen.font = `600 84px ${token("--font")}`;
  pen.fillStyle = token("--scene-label");
  pen.globalAlpha = 0.42;
  pen.textBaseline = "middle";
  pen.fillText(name, 4, 66);
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  texture.anisotropy = 4;
  const { minX, minY, maxY } = zoneBounds(zone);
  const height = Math.min(3.2, (maxY - minY) * 0.42);
  const mesh = new Mesh(
    new PlaneGeometry(height * 8, height),
    new MeshBasicMaterial({ map: texture, transparent: true, depthWrite: false }),
  );
  mesh.position.set(minX + height * 4 + 0.8, minY + height / 2 + 0.5, HEIGHT.name);
  return mesh;
}

function rackShade(site: SiteFrame): Mesh[] {
  return site.racks.map((frame) => {
    const middle = toSite(frame, frame.length / 2, frame.depth / 2, HEIGHT.shade);
    const material = new MeshBasicMaterial({ color: 0x000000, transparent: true, opacity: 0.1, depthWrite: false });
    const mesh = new Mesh(new PlaneGeometry(frame.length + 0.9, frame.depth + 0.9), material);
    mesh.position.set(middle.x, middle.y, middle.z);
    mesh.rotation.z = Math.atan2(frame.sin, frame.cos);
    return mesh;
  });
}

function groundPlane(site: SiteFrame): Mesh {
  const width = site.layout.width_mm / 1000;
  const length = site.layout.length_mm / 1000;
  const plane = new Mesh(
    new PlaneGeometry(width + MARGIN_M, length + MARGIN_M),
    new MeshBasicMaterial({ color: color("--scene-ground") }),
  );
  plane.position.set(width / 2, length / 2, -0.02);
  plane.renderOrder = GROUND_ORDER;
  return plane;
}

/** Frees what a layer's meshes hold on the GPU. */
export function disposeAll(group: Object3D): void {
  group.traverse((part) => {
    const mesh = part as Mesh;
    mesh.geometry?.dispose();
    const materials = [mesh.material ?? []].flat() as Material[];
    for (const material of materials) {
      (material as MeshBasicMaterial).map?.dispose();
      material.dispose();
    }
  });
}

/** The whole ground in the colours of the theme and the language in force; made anew when either changes. */
export function ground(site: SiteFrame, isChinese: boolean): { plane: Group; zones: Group } {
  const plane = new Group().add(groundPlane(site), ...rackShade(site));
  const zones = new Group();
  for (const zone of site.layout.zones) {
    const name = (isChinese ? zone.name_zh : zone.name_en) || zone.zone_id;
    zones.add(area(zone), edge(zone), paintedName(zone, name));
  }
  return { plane, zones };
}
