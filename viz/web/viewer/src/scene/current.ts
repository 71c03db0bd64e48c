/** The one scene of the page, for panels that fly its camera. Null before it is made and after it is gone. */
import type { SceneLink } from "./link";

let current: SceneLink | null = null;

export function setSceneLink(link: SceneLink | null): void {
  current = link;
}

export function sceneLink(): SceneLink | null {
  return current;
}
