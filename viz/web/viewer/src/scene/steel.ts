/** Uprights and beams of the bays near the camera, as real steel. From afar the bays' shader draws them. */
import { BufferGeometry, Color, Group, InstancedMesh, MeshLambertMaterial, PlaneGeometry } from "three";
import type { RackFrame } from "../model/frame";
import type { Bay } from "./bays";
import { color } from "./palette";
import { assembled, painted } from "./shapes";

/** Sections in metres: half an upright on each side of a bay, and a beam. */
const POST = { width: 0.05, depth: 0.09 };
const BEAM = { depth: 0.05, height: 0.11 };

type Axis = "x" | "z";

/** A bar along one axis without its two ends, which other steel hides: eight triangles. */
function bar(along: Axis, at: [number, number, number], size: [number, number, number], paint: Color): BufferGeometry {
  const [x, y, z] = at;
  const [sx, sy, sz] = size;
  const wide = along === "x" ? sx : sy;
  const front = () => new PlaneGeometry(sx, sz).rotateX(Math.PI / 2);
  const sides =
    along === "x"
      ? [new PlaneGeometry(wide, sy).translate(0, 0, sz / 2), new PlaneGeometry(wide, sy).rotateX(Math.PI).translate(0, 0, -sz / 2)]
      : [
          new PlaneGeometry(sz, wide).rotateY(Math.PI / 2).translate(sx / 2, 0, 0),
          new PlaneGeometry(sz, wide).rotateY(-Math.PI / 2).translate(-sx / 2, 0, 0),
        ];
  const faces = [front().translate(0, -sy / 2, 0), front().rotateZ(Math.PI).translate(0, sy / 2, 0), ...sides];
  return painted(assembled(faces).translate(x + sx / 2, y + sy / 2, z + sz / 2), paint);
}

/** The steel of one bay from its front left corner: four posts, and two beams under each level. */
function bayFrame(frame: RackFrame): BufferGeometry {
  const { bayWidth, depth, height, firstLevel, levelHeight, rack } = frame;
  const posts = [0, bayWidth - POST.width].flatMap((x) =>
    [0, depth - POST.depth].map((y) => bar("z", [x, y, 0], [POST.width, POST.depth, height], color("--scene-upright"))),
  );
  const beams = Array.from({ length: rack.levels }, (_, level) => firstLevel + level * levelHeight - BEAM.height).flatMap((z) =>
    [0.01, depth - BEAM.depth - 0.01].map((y) => bar("x", [0, y, z], [bayWidth, BEAM.depth, BEAM.height], color("--scene-beam"))),
  );
  return assembled([...posts, ...beams]);
}

function formOf(frame: RackFrame): string {
  return [frame.bayWidth, frame.depth, frame.rack.levels, frame.firstLevel, frame.levelHeight].join("|");
}

/** Racks of one form share a geometry; a site has a handful of forms. */
export class SteelFrames {
  readonly group = new Group();
  private readonly forms = new Map<string, { mesh: InstancedMesh; frame: RackFrame }>();
  private rows = new Map<string, number>();

  constructor(
    frames: RackFrame[],
    private readonly capacity: number,
  ) {
    for (const frame of frames) {
      if (this.forms.has(formOf(frame))) continue;
      const mesh = new InstancedMesh(bayFrame(frame), new MeshLambertMaterial({ vertexColors: true }), capacity);
      mesh.frustumCulled = false;
      mesh.count = 0;
      this.forms.set(formOf(frame), { mesh, frame });
      this.group.add(mesh);
    }
  }

  begin(): void {
    this.rows = new Map();
  }

  add(bay: Bay): void {
    const form = formOf(bay.frame);
    const row = this.rows.get(form) ?? 0;
    if (row >= this.capacity) return;
    this.forms.get(form)!.mesh.setMatrixAt(row, bay.matrix);
    this.rows.set(form, row + 1);
  }

  finish(): void {
    for (const [form, { mesh }] of this.forms) {
      mesh.count = this.rows.get(form) ?? 0;
      mesh.instanceMatrix.needsUpdate = true;
    }
  }

  get triangles(): number {
    return [...this.forms.values()].reduce((sum, { mesh }) => sum + (mesh.count * mesh.geometry.getAttribute("position").count) / 3, 0);
  }

  repaint(): void {
    for (const { mesh, frame } of this.forms.values()) {
      mesh.geometry.dispose();
      mesh.geometry = bayFrame(frame);
    }
  }

  dispose(): void {
    for (const { mesh } of this.forms.values()) {
      mesh.geometry.dispose();
      (mesh.material as MeshLambertMaterial).dispose();
      mesh.dispose();
    }
  }
}
