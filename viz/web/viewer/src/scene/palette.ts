/** Tokens as colours of three.js, read again when the theme changes. */
import { token } from "@shared/theme/theme";
import { Color, Vector3 } from "three";
import { PALETTE } from "../model/looks";

/** Codes a slot can show; the shaders hold one colour and one pattern for each. */
export const CODE_COUNT = 16;

/** Where the sun stands, in the site's frame: from the south-west, high. Shaders and lights share it. */
export const SUN_IN_SITE = new Vector3(-0.42, -0.62, 0.66).normalize();

export function color(name: `--${string}`): Color {
  return new Color(token(name) || "#808080");
}

/** One colour for each code: nothing, the palette, unused, faded. */
export function codeColors(): Color[] {
  const colors = Array.from({ length: CODE_COUNT }, () => color("--scene-steel"));
  PALETTE.forEach((item, index) => (colors[index + 1] = color(item.color)));
  colors[CODE_COUNT - 1] = color("--scene-wall");
  return colors;
}

export function codePatterns(): number[] {
  const patterns = new Array<number>(CODE_COUNT).fill(0);
  PALETTE.forEach((item, index) => (patterns[index + 1] = item.pattern));
  return patterns;
}
