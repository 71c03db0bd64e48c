/**
 * Shaders of bays and goods. A bay is one box of ten triangles whatever it holds: uprights, beams and the goods
 * of each level are drawn on its faces from sixteen packed codes. When a level becomes smaller than two pixels the
 * whole bay takes its worst colour, so that distance can hide detail but never trouble. No fragment is discarded:
 * gaps are painted as the rack's dark inside, so that the depth test spares all that lies behind. Colours come in
 * as the screen shows them (sRGB) and are shaded as they are: no conversion for each pixel.
 */
import { GLSL3, ShaderMaterial } from "three";
import { CODE_COUNT, codePalette, screenColor, SUN_IN_SITE } from "./palette";

/** How light a face is whose normal is "turned", in the site's frame. */
const LIGHT = "0.76 + 0.1 * turned.z + 0.2 * max(dot(turned, uSun), 0.0)";

const COMMON = /* glsl */ `
  uniform vec4 uPalette[${CODE_COUNT}]; // colour, pattern
  uniform vec3 uBlank;
  out vec4 outColor;

  // No two pallets are quite alike: a few per cent lighter or darker, the same each time.
  float wear(uint seed) {
    uint mixed = (seed ^ 61u) * 2654435761u;
    return 0.95 + 0.1 * float((mixed >> 9) & 1023u) / 1023.0;
  }

  // The patterns of looks.ts: 1 hatched, 2 half, 3 crossed. "at" runs from 0 to 1 over a face of "size" metres.
  // Where a pixel covers more than "pixel" allows, stripes would only flicker: a hatched face becomes evenly pale,
  // and a crossed one takes its full colour.
  vec3 patterned(vec4 paint, vec2 at, vec2 size, float pixel) {
    bool isCoarse = pixel > 0.06;
    vec2 metres = at * size;
    vec2 edge = min(metres, size - metres);
    float across = min(abs(at.x - at.y), abs(at.x + at.y - 1.0)) * min(size.x, size.y);
    bool isCross = min(min(edge.x, edge.y), across) < 0.085;
    bool isStripe = fract((metres.x + metres.y) * 3.2) < 0.42;
    bool isFull = paint.w < 0.5 || (paint.w < 1.5 ? isStripe && !isCoarse : paint.w < 2.5 ? at.y < 0.5 : isCross || isCoarse);
    return mix(paint.rgb, uBlank, isFull ? 0.0 : paint.w > 2.5 ? 0.8 : isCoarse && paint.w < 1.5 ? 0.32 : 0.55);
  }
`;

const BAY_VERTEX = /* glsl */ `
  in uvec2 aCodes;
  in vec4 aShape; // levels, share of the height below level 1, worst code, number of the bay
  flat out uvec2 vCodes;
  flat out vec4 vShape;
  flat out vec3 vSize;
  flat out int vFace;
  flat out uint vTop;
  flat out float vLight;
  out vec3 vLocal;
  uniform vec3 uSun;

  // Seen from above, an empty top slot shows the goods below it.
  uint topCode() {
    for (int level = int(aShape.x) - 1; level >= 0; level--) {
      uint code = ((level < 8 ? aCodes.x : aCodes.y) >> uint((level % 8) * 4)) & 15u;
      if (code != 0u) return code;
    }
    return 0u;
  }

  void main() {
    vCodes = aCodes;
    vShape = aShape;
    vLocal = position;
    vTop = topCode();
    vFace = abs(normal.z) > 0.5 ? 2 : (abs(normal.x) > 0.5 ? 1 : 0);
    vSize = vec3(length(instanceMatrix[0].xyz), length(instanceMatrix[1].xyz), length(instanceMatrix[2].xyz));
    vec3 turned = normalize(mat3(instanceMatrix) * normal);
    vLight = ${LIGHT};
    gl_Position = projectionMatrix * modelViewMatrix * instanceMatrix * vec4(position, 1.0);
  }
`;

const BAY_FRAGMENT = /* glsl */ `
  flat in uvec2 vCodes;
  flat in vec4 vShape;
  flat in vec3 vSize;
  flat in int vFace;
  flat in uint vTop;
  flat in float vLight;
  in vec3 vLocal;
  uniform vec3 uUpright;
  uniform vec3 uBeam;
  uniform vec3 uInside;
  ${COMMON}

  // How much of a pixel a bar covers that lies "gap" metres away: thinner than a pixel it grows faint, not ragged.
  float bar(float gap, float thickness, float metre) {
    float width = max(thickness, metre);
    return gap < width ? thickness / width : 0.0;
  }

  void main() {
    bool isTop = vFace == 2;
    bool isEnd = vFace == 1;
    float along = isEnd ? vLocal.y : vLocal.x;
    float level = (vLocal.z - vShape.y) / (1.0 - vShape.y) * vShape.x;
    vec2 size = isTop ? vSize.xy : vec2(isEnd ? vSize.y : vSize.x, vSize.z * (1.0 - vShape.y) / vShape.x);
    vec2 pixel = fwidth(isTop ? vLocal.xy : vec2(along, level));
    bool isTiny = max(pixel.x, pixel.y) > 0.42;

    int row = int(clamp(level, 0.0, vShape.x - 1.0));
    uint code = ((row < 8 ? vCodes.x : vCodes.y) >> uint((row % 8) * 4)) & 15u;
    code = isTiny ? uint(vShape.z + 0.5) : isTop ? vTop : code;

    float side = isEnd ? 0.03 : 0.08;
    float inLevel = fract(level);
    vec2 at = isTop ? vLocal.xy : vec2((along - side) / (1.0 - 2.0 * side), (inLevel - 0.07) / 0.78);
    vec2 edge = 0.5 - abs(at - 0.5);
    vec2 metre = pixel * size;
    float post = bar(min(along, 1.0 - along) * size.x, 0.05, metre.x);
    float beam = isTop ? bar(edge.y * size.y, 0.05, metre.y) : isEnd || level < 0.0 ? 0.0 : bar(inLevel * size.y, 0.11, metre.y);
    bool isGap = !isTop && (level < 0.0 || min(edge.x, edge.y) < 0.0);
    bool isDeck = !isTop && at.y < 0.1;

    vec4 paint = uPalette[code];
    vec3 goods = (isTiny ? paint.rgb : patterned(paint, at, size, max(metre.x, metre.y))) * wear(uint(vShape.w) * 16u + uint(row));
    vec3 inside = code == 0u || (isGap && !isTiny) ? uInside : isDeck && !isTiny ? uBeam * 0.6 : goods;
    vec3 base = isTiny ? inside : mix(mix(inside, uBeam, beam), uUpright, post);
    outColor = vec4(base * vLight, 1.0);
  }
`;

const GOODS_VERTEX = /* glsl */ `
  in float aCode;
  in float aWear;
  flat out vec4 vPaint;
  flat out float vAlarm;
  flat out vec2 vSize;
  flat out vec2 vCartons;
  flat out int vFace;
  flat out float vLight;
  out vec2 vMetres;
  uniform vec4 uPalette[${CODE_COUNT}];
  uniform vec3 uSun;

  void main() {
    vAlarm = aCode >= 16.0 ? 1.0 : 0.0;
    vPaint = uPalette[int(mod(aCode, 16.0) + 0.5)];
    vFace = abs(normal.z) > 0.5 ? 2 : (abs(normal.x) > 0.5 ? 1 : 0);
    vec3 size = vec3(length(instanceMatrix[0].xyz), length(instanceMatrix[1].xyz), length(instanceMatrix[2].xyz));
    vec3 metres = position * size;
    vSize = vFace == 2 ? size.xy : vFace == 1 ? size.yz : size.xz;
    vMetres = vFace == 2 ? metres.xy : vFace == 1 ? metres.yz : metres.xz;
    vCartons = max(vec2(1.0), floor(vSize / vec2(0.42, 0.34) + 0.5));
    vec3 turned = normalize(mat3(instanceMatrix) * normal);
    vLight = aWear * (${LIGHT});
    gl_Position = projectionMatrix * modelViewMatrix * instanceMatrix * vec4(position, 1.0);
  }
`;

const GOODS_FRAGMENT = /* glsl */ `
  flat in vec4 vPaint;
  flat in float vAlarm;
  flat in vec2 vSize;
  flat in vec2 vCartons;
  flat in int vFace;
  flat in float vLight;
  in vec2 vMetres;
  uniform vec3 uDeck;
  uniform vec3 uAlarm;
  ${COMMON}

  const float PALLET_M = 0.144;

  void main() {
    // A pallet's side: a deck board over three blocks with the fork's gaps between.
    bool isPallet = vFace != 2 && vMetres.y < PALLET_M;
    float block = abs(fract(vMetres.x / vSize.x * 2.0 + 0.5) - 0.5) / 2.0 * vSize.x;
    float wood = vMetres.y < 0.1 ? (block > 0.075 ? 0.3 : 0.8) : 1.0;

    float base = vFace == 2 ? 0.0 : PALLET_M;
    vec2 size = vec2(vSize.x, vSize.y - base);
    vec2 metres = vec2(vMetres.x, vMetres.y - base);
    vec2 cell = fract(metres / size * vCartons) * size / vCartons;
    vec2 gap = min(cell, size / vCartons - cell);
    float pixel = max(fwidth(vMetres.x), fwidth(vMetres.y));
    float seam = (1.0 - smoothstep(0.004, 0.006 + pixel, min(gap.x, gap.y))) * (1.0 - smoothstep(0.01, 0.03, pixel));
    vec2 edge = min(metres, size - metres);
    bool isMarked = vAlarm > 0.5 && min(edge.x, edge.y) < 0.07;

    vec3 goods = patterned(vPaint, metres / size, size, pixel) * (1.0 - 0.16 * seam);
    outColor = vec4(isPallet ? uDeck * wood * vLight : isMarked ? uAlarm : goods * vLight, 1.0);
  }
`;

function commonUniforms() {
  return {
    uPalette: { value: codePalette() },
    uBlank: { value: screenColor("--scene-floor") },
    uSun: { value: SUN_IN_SITE },
  };
}

/** Uniform and token of each single colour that a material may have. */
const SINGLE_COLORS = {
  uBlank: "--scene-floor",
  uUpright: "--scene-upright",
  uBeam: "--scene-beam",
  uInside: "--scene-inside",
  uDeck: "--scene-deck",
  uAlarm: "--grade-freeze",
} as const;

function material(vertexShader: string, fragmentShader: string, names: (keyof typeof SINGLE_COLORS)[]): ShaderMaterial {
  const single = Object.fromEntries(names.map((name) => [name, { value: screenColor(SINGLE_COLORS[name]) }]));
  return new ShaderMaterial({ glslVersion: GLSL3, vertexShader, fragmentShader, uniforms: { ...commonUniforms(), ...single } });
}

/** Material of the bay boxes. Attributes: aCodes (two words), aShape (levels, first share, worst, number). */
export function bayMaterial(): ShaderMaterial {
  return material(BAY_VERTEX, BAY_FRAGMENT, ["uUpright", "uBeam", "uInside"]);
}

/** Material of pallets with goods seen near. Attributes: aCode, plus 16 when an alarm names the unit; aWear, about 1. */
export function goodsMaterial(): ShaderMaterial {
  return material(GOODS_VERTEX, GOODS_FRAGMENT, ["uDeck", "uAlarm"]);
}

/** Reads the colours of the theme in force into a material made above. */
export function repaint({ uniforms }: ShaderMaterial): void {
  uniforms["uPalette"]!.value = codePalette();
  for (const [name, token] of Object.entries(SINGLE_COLORS)) {
    if (uniforms[name]) uniforms[name].value = screenColor(token);
  }
}
