/** Geometry shared by the layers. All in the site's frame: x east, y north, z up, metres. */
import { BoxGeometry, BufferAttribute, BufferGeometry, Color, Matrix4 } from "three";
import { mergeGeometries } from "three/addons/utils/BufferGeometryUtils.js";

/** A box from 0 to 1 on each axis without its underside, which nobody can see: ten triangles. */
export function openBox(): BufferGeometry {
  const box = new BoxGeometry(1, 1, 1).translate(0.5, 0.5, 0.5);
  const index = [...(box.index!.array as Uint16Array)];
  const normals = box.getAttribute("normal");
  const kept: number[] = [];
  for (let at = 0; at < index.length; at += 3) {
    if (normals.getZ(index[at]!) > -0.5) kept.push(index[at]!, index[at + 1]!, index[at + 2]!);
  }
  box.setIndex(kept);
  box.deleteAttribute("uv");
  return box;
}

/** Gives every vertex of a geometry one colour. */
export function painted(geometry: BufferGeometry, color: Color): BufferGeometry {
  const plain = geometry.index ? geometry.toNonIndexed() : geometry;
  const count = plain.getAttribute("position").count;
  const colors = new Float32Array(count * 3);
  for (let at = 0; at < count; at += 1) colors.set([color.r, color.g, color.b], at * 3);
  plain.setAttribute("color", new BufferAttribute(colors, 3));
  plain.deleteAttribute("uv");
  return plain;
}

/** A box by its sizes and the middle of its floor. */
export function block(size: [number, number, number], floor: [number, number, number], color: Color): BufferGeometry {
  const [x, y, z] = floor;
  return painted(new BoxGeometry(...size).translate(x, y, z + size[2] / 2), color);
}

/** Several parts as one geometry. */
export function assembled(parts: BufferGeometry[]): BufferGeometry {
  return mergeGeometries(parts)!;
}

/** `site_from_thing`: turned about z by `turn` radians, scaled, then set at a point. */
export function placed(
  out: Matrix4,
  at: { x: number; y: number; z: number },
  turn: number,
  scale: [number, number, number] = [1, 1, 1],
): Matrix4 {
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  const [sx, sy, sz] = scale;
  return out.set(cos * sx, -sin * sy, 0, at.x, sin * sx, cos * sy, 0, at.y, 0, 0, sz, at.z, 0, 0, 0, 1);
}
