/**
 * The picture: puts the layers together, draws only when something changed, and turns the pointer into picks.
 * It knows nothing of the server or of React; `link.ts` feeds it.
 */
import {
  DirectionalLight,
  EdgesGeometry,
  Frustum,
  Group,
  HemisphereLight,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  BoxGeometry,
  Raycaster,
  Scene,
  Vector2,
  Vector3,
  WebGLRenderer,
} from "three";
import type { Unit } from "@shared/api/types";
import type { SiteFrame } from "../model/frame";
import { Quality } from "../model/quality";
import { cutBox, pickSlot, type Ray } from "../model/pick";
import { SiteCamera, type Insets } from "./camera";
import { disposeAll, ground } from "./ground";
import { GateModel, weighbridgeModel } from "./gates";
import { type Columns, LabelLayer, type Label } from "./labels";
import { BODY, MoverLayer } from "./movers";
import { color, SUN_IN_SITE } from "./palette";
import { RackLayer } from "./racks";

export type Picked = { kind: "unit"; slot: number } | { kind: "loose"; unit: Unit } | { kind: "asset"; id: string };

export interface SceneEvents {
  onPick: (picked: Picked | null) => void;
  /** `x, y` are pixels of the window. */
  onHover: (picked: Picked | null, x: number, y: number) => void;
  onFrame: () => void;
}

/** Without any change a frame is still drawn this often, so that "frame n drawn" always goes on. Milliseconds. */
const IDLE_FRAME_MS = 1000;
/** A pointer that moved further than this between down and up has dragged, not clicked. Pixels. */
const CLICK_SLOP_PX = 4;
/** Pixels drawn for each pixel of the window at most: sharp, without four times the work. */
const PIXEL_RATIO_MAX = 2;

export class SceneView {
  readonly camera: SiteCamera;
  readonly movers = new MoverLayer();
  readonly labels: LabelLayer;
  racks: RackLayer;
  gates = new Map<string, GateModel>();
  framesDrawn = 0;
  /** Labels of this moment, asked for with each frame. */
  labelsNow: (now: number) => Label[] = () => [];
  isFull: (slot: number) => boolean = () => false;
  loose: Unit[] = [];

  private readonly renderer: WebGLRenderer;
  private readonly quality: Quality;
  private readonly scene = new Scene();
  private readonly siteGroup = new Group();
  private readonly fixtures = new Group();
  private groundParts: { plane: Group; zones: Group };
  private readonly outline: LineSegments;
  private readonly raycaster = new Raycaster();
  private readonly hemisphere = new HemisphereLight(0xffffff, 0x8a8f94, 1.9);
  private isDirty = true;
  private isCovered = false;
  private free: Columns = { left: 0, right: 0 };
  private isLayoutOld = true;
  private readonly view = new Frustum();
  private readonly clipFromSite = new Matrix4();
  private lastFrameAt = 0;
  private frameBeforeAt = -1;
  private lastDrawnAt = 0;
  private handle = 0;
  private size = { width: 1, height: 1 };
  private readonly resizing: ResizeObserver;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    labelHost: HTMLElement,
    private readonly site: SiteFrame,
    private readonly events: SceneEvents,
    isChinese: boolean,
    private readonly isPinned: boolean,
  ) {
    this.renderer = new WebGLRenderer({ canvas, antialias: isPinned || !isSoftwareGl(), powerPreference: "high-performance" });
    this.quality = new Quality(Math.min(window.devicePixelRatio, PIXEL_RATIO_MAX));
    this.renderer.setPixelRatio(this.quality.ratio);
    this.camera = new SiteCamera(canvas);
    this.labels = new LabelLayer(labelHost);
    this.racks = new RackLayer(site);
    this.groundParts = ground(site, isChinese);
    this.outline = selectionFrame();
    this.assemble();
    this.listen();
    this.resizing = new ResizeObserver(() => this.touch());
    this.resizing.observe(canvas);
    this.handle = requestAnimationFrame(this.frame);
  }

  /** Says that the picture is out of date; it is drawn again with the next frame of the screen. */
  touch(): void {
    this.isDirty = true;
  }

  resize(insets: Insets): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width === 0 || height === 0) return;
    this.size = { width, height };
    this.free = { left: insets.left, right: width - insets.right };
    this.renderer.setSize(width, height, false);
    this.camera.resize(width, height, insets);
    this.touch();
  }

  /** Nothing is drawn while something else covers the whole picture. */
  cover(isCovered: boolean): void {
    this.isCovered = isCovered;
    this.touch();
  }

  setVisible(part: "zones" | "racks" | "gates", isVisible: boolean): void {
    if (part === "zones") this.groundParts.zones.visible = isVisible;
    else if (part === "racks") this.racks.group.visible = isVisible;
    else this.fixtures.visible = isVisible;
    this.touch();
  }

  /** Draws in the colours of the theme and with the names of the language in force. */
  repaint(isChinese: boolean): void {
    const wasVisible = this.groundParts.zones.visible;
    this.siteGroup.remove(this.groundParts.plane, this.groundParts.zones);
    disposeAll(this.groundParts.plane);
    disposeAll(this.groundParts.zones);
    this.groundParts = ground(this.site, isChinese);
    this.groundParts.zones.visible = wasVisible;
    this.siteGroup.add(this.groundParts.plane, this.groundParts.zones);
    this.racks.repaint();
    this.movers.repaint();
    this.buildFixtures();
    this.scene.background = color("--scene-sky");
    (this.outline.material as LineBasicMaterial).color = color("--selection");
    this.labels.clear();
    this.touch();
  }

  /** Draws the frame around the selected unit; null takes it away. */
  frameUnit(box: { at: Vector3; turn: number; size: [number, number, number] } | null): void {
    this.outline.visible = box !== null;
    if (box) {
      this.outline.position.copy(box.at);
      this.outline.rotation.z = box.turn;
      this.outline.scale.set(box.size[0] * 1.04, box.size[1] * 1.04, box.size[2] * 1.03);
    }
    this.touch();
  }

  dispose(): void {
    cancelAnimationFrame(this.handle);
    this.resizing.disconnect();
    this.camera.controls.dispose();
    this.racks.dispose();
    disposeAll(this.siteGroup);
    this.labels.clear();
    this.renderer.dispose();
  }

  private assemble(): void {
    const sun = new DirectionalLight(0xffffff, 1.5);
    sun.position.copy(SUN_IN_SITE).multiplyScalar(100);
    // The site's frame has z up, the scene's y up: turned once here, and nowhere else.
    this.siteGroup.rotation.x = -Math.PI / 2;
    this.hemisphere.position.set(0, 0, 1);
    const { plane, zones } = this.groundParts;
    this.siteGroup.add(plane, zones, this.fixtures, this.racks.group, this.movers.group, this.outline, sun, this.hemisphere);
    this.scene.add(this.siteGroup);
    this.scene.background = color("--scene-sky");
    this.buildFixtures();
  }

  private buildFixtures(): void {
    const open = new Map([...this.gates].map(([id, gate]) => [id, gate.isOpen]));
    disposeAll(this.fixtures);
    this.fixtures.clear();
    this.gates = new Map(this.site.layout.gates.map((gate) => [gate.gate_id, new GateModel(gate)]));
    for (const [id, gate] of this.gates) {
      gate.setOpen(open.get(id) ?? false, true);
      this.fixtures.add(gate.group);
    }
    this.fixtures.add(...this.site.layout.weighbridges.map(weighbridgeModel));
  }

  private readonly frame = (now: number): void => {
    this.handle = requestAnimationFrame(this.frame);
    if (this.isCovered) return;
    const elapsedMs = Math.min(100, now - this.lastFrameAt);
    const cameraMoved = this.camera.controls.update(elapsedMs / 1000);
    const isMoving = this.movers.layOut(now);
    let gatesMove = false;
    for (const gate of this.gates.values()) gatesMove = gate.step(elapsedMs) || gatesMove;
    const isDue = now - this.lastDrawnAt > IDLE_FRAME_MS;
    this.frameBeforeAt = this.lastFrameAt;
    this.lastFrameAt = now;
    this.isLayoutOld ||= cameraMoved || this.isDirty;
    if (cameraMoved || isMoving || gatesMove || this.isDirty || isDue) this.draw(now);
  };

  private draw(now: number): void {
    const wasDrawnJustBefore = this.lastDrawnAt === this.frameBeforeAt;
    if (wasDrawnJustBefore && !this.isPinned && this.quality.note(now - this.lastDrawnAt)) {
      this.renderer.setPixelRatio(this.quality.ratio);
    }
    this.isDirty = false;
    this.lastDrawnAt = now;
    const { camera } = this.camera;
    if (this.isLayoutOld) this.layOutRacks();
    this.renderer.render(this.scene, camera);
    this.labels.draw(this.labelsNow(now), camera, this.size.width, this.size.height, this.free);
    this.framesDrawn += 1;
    this.events.onFrame();
  }

  /** Forklifts move all day; the racks are laid out anew only when the camera or the stock changed. */
  private layOutRacks(): void {
    this.isLayoutOld = false;
    const { camera } = this.camera;
    camera.updateMatrixWorld();
    this.siteGroup.updateMatrixWorld();
    this.clipFromSite.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse).multiply(this.siteGroup.matrixWorld);
    this.racks.layOut(this.eyeInSite(), this.view.setFromProjectionMatrix(this.clipFromSite));
  }

  /** The camera's place in the site's frame. */
  private eyeInSite(): Vector3 {
    const { x, y, z } = this.camera.camera.position;
    return new Vector3(x, -z, y);
  }

  private rayAt(x: number, y: number): Ray {
    const bounds = this.canvas.getBoundingClientRect();
    const at = new Vector2(((x - bounds.left) / bounds.width) * 2 - 1, 1 - ((y - bounds.top) / bounds.height) * 2);
    this.raycaster.setFromCamera(at, this.camera.camera);
    const { origin, direction } = this.raycaster.ray;
    return {
      origin: { x: origin.x, y: -origin.z, z: origin.y },
      direction: { x: direction.x, y: -direction.z, z: direction.y },
    };
  }

  /** The nearest thing under a point of the window: by geometry alone, no triangle is tested. */
  pickAt(x: number, y: number): Picked | null {
    const ray = this.rayAt(x, y);
    let best: { picked: Picked; distance: number } | null = null;
    const offer = (picked: Picked, distance: number) => {
      if (best === null || distance < best.distance) best = { picked, distance };
    };
    const hit = this.racks.group.visible ? pickSlot(this.site, ray, this.isFull) : null;
    if (hit) offer({ kind: "unit", slot: hit.slot }, hit.distance);
    for (const unit of this.loose) {
      const { x_m: ux, y_m: uy, z_m: uz } = unit.point!;
      const cut = cutBox(ray, { min: { x: ux - 0.5, y: uy - 0.6, z: uz }, max: { x: ux + 0.5, y: uy + 0.6, z: uz + 1.3 } });
      if (cut) offer({ kind: "loose", unit }, cut.enter);
    }
    for (const { asset, pose } of this.movers.shown(performance.now())) {
      const { radius, middle } = BODY[asset.kind];
      const distance = sphereDistance(ray, { x: pose.x, y: pose.y, z: middle }, radius);
      if (distance !== null) offer({ kind: "asset", id: asset.asset_id }, distance);
    }
    return (best as { picked: Picked } | null)?.picked ?? null;
  }

  private listen(): void {
    let down: { x: number; y: number } | null = null;
    this.canvas.addEventListener("pointerdown", (event) => (down = { x: event.clientX, y: event.clientY }));
    this.canvas.addEventListener("pointerup", (event) => {
      const isClick = down && Math.hypot(event.clientX - down.x, event.clientY - down.y) < CLICK_SLOP_PX;
      down = null;
      if (isClick && event.button === 0) this.events.onPick(this.pickAt(event.clientX, event.clientY));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const picked = event.buttons === 0 ? this.pickAt(event.clientX, event.clientY) : null;
      this.canvas.style.cursor = picked ? "pointer" : "";
      this.events.onHover(picked, event.clientX, event.clientY);
    });
    this.canvas.addEventListener("pointerleave", () => this.events.onHover(null, 0, 0));
  }
}

/** Whether WebGL runs on the processor, where smoothing edges would cost more than the whole picture. */
function isSoftwareGl(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const names = gl?.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl && names ? String(gl.getParameter(names.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(renderer);
}

/** The frame of the selected unit: seen through whatever stands before it, so that it is never lost. */
function selectionFrame(): LineSegments {
  const geometry = new EdgesGeometry(new BoxGeometry(1, 1, 1).translate(0, 0, 0.5));
  const material = new LineBasicMaterial({ color: color("--selection"), depthTest: false, transparent: true });
  const outline = new LineSegments(geometry, material);
  const tint = new MeshBasicMaterial({ color: color("--selection"), transparent: true, opacity: 0.13, depthTest: false });
  outline.add(new Mesh(new BoxGeometry(1, 1, 1).translate(0, 0, 0.5), tint));
  outline.visible = false;
  outline.renderOrder = 10;
  return outline;
}

/** Distance along a ray of unit direction to a sphere, or null when it misses. */
function sphereDistance(ray: Ray, centre: { x: number; y: number; z: number }, radius: number): number | null {
  const to = { x: centre.x - ray.origin.x, y: centre.y - ray.origin.y, z: centre.z - ray.origin.z };
  const along = to.x * ray.direction.x + to.y * ray.direction.y + to.z * ray.direction.z;
  if (along < 0) return null;
  const gap = to.x ** 2 + to.y ** 2 + to.z ** 2 - along ** 2;
  return gap > radius ** 2 ? null : along - Math.sqrt(radius ** 2 - gap);
}
