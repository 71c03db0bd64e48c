/** Tokens as colours of three.js, read again when the theme changes. */
import { token } from "@shared/theme/theme";
import { Color, Vector3, Vector4 } from "three";
import { PALETTE } from "../model/looks";

/** Codes a slot can show; the shaders hold one colour and one pattern for each. */
export const CODE_COUNT = 16;

/** Where the sun stands, in the site's frame: from the south-west, high. Shaders and lights share it. */
export const SUN_IN_SITE = new Vector3(-0.42, -0.62, 0.66).normalize();

export function color(name: `--${string}`): Color {
  return new Color(token(name) || "#808080");
}

/** A token's colour as the screen shows it, for shaders that do no conversion of their own. */
export function screenColor(name: `--${string}`): Vector3 {
  const { r, g, b } = color(name).convertLinearToSRGB();
  return new Vector3(r, g, b);
}

/** Colour and pattern of each code: nothing, the palette, unused, faded. */
export function codePalette(): Vector4[] {
  const blank = screenColor("--scene-wall");
  const paints = Array.from({ length: CODE_COUNT }, () => new Vector4(blank.x, blank.y, blank.z, 0));
  PALETTE.forEach((item, index) => {
    const { x, y, z } = screenColor(item.color);
    paints[index + 1] = new Vector4(x, y, z, item.pattern);
  });
  return paints;
}
