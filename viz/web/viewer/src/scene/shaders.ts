/**
 * Shaders of bays and goods. A bay is one box of ten triangles whatever it holds: uprights, beams and the goods
 * of each level are drawn on its faces from sixteen packed codes. When a level becomes smaller than two pixels the
 * whole bay takes its worst colour, so that distance can hide detail but never trouble. No fragment is discarded:
 * gaps are painted as the rack's dark inside, so that the depth test spares all that lies behind.
 */
import { GLSL3, ShaderMaterial } from "three";
import { CODE_COUNT, codeColors, codePatterns, color, SUN_IN_SITE } from "./palette";

const COMMON = /* glsl */ `
  uniform vec3 uColors[${CODE_COUNT}];
  uniform float uPatterns[${CODE_COUNT}];
  uniform vec3 uBlank;
  uniform vec3 uSun;

  vec3 lit(vec3 base, vec3 normal) {
    float sun = max(dot(normal, uSun), 0.0);
    float sky = 0.5 + 0.5 * normal.z;
    vec3 soft = mix(base, vec3(1.0), 0.02 * max(normal.z, 0.0));
    return soft * (0.58 + 0.2 * sky + 0.36 * sun);
  }

  // No two pallets are quite alike: a few per cent lighter or darker, the same each time.
  float wear(uint seed) {
    uint mixed = (seed ^ 61u) * 2654435761u;
    return 0.93 + 0.14 * float((mixed >> 9) & 1023u) / 1023.0;
  }

  // The patterns of looks.ts: 1 hatched, 2 half, 3 crossed. "at" runs from 0 to 1 over a face.
  vec3 patterned(uint code, vec2 at, vec2 size) {
    vec3 full = uColors[code];
    vec3 pale = mix(full, uBlank, 0.62);
    float pattern = uPatterns[code];
    vec2 metres = at * size;
    if (pattern > 2.5) {
      vec2 edge = min(metres, size - metres);
      float frame = min(edge.x, edge.y);
      float across = min(abs(at.x - at.y), abs(at.x + at.y - 1.0)) * min(size.x, size.y);
      return min(frame, across) < 0.085 ? full : pale;
    }
    if (pattern > 1.5) return at.y < 0.5 ? full : mix(full, uBlank, 0.42);
    if (pattern > 0.5) return fract((metres.x + metres.y) * 3.2) < 0.42 ? full : mix(full, uBlank, 0.35);
    return full;
  }
`;

const BAY_VERTEX = /* glsl */ `
  in uvec2 aCodes;
  in vec4 aShape;
  flat out uvec2 vCodes;
  flat out vec4 vShape;
  flat out vec3 vSize;
  flat out int vFace;
  flat out uint vRow;
  out vec3 vLocal;
  out vec3 vNormal;

  void main() {
    vRow = uint(aShape.w);
    vCodes = aCodes;
    vShape = aShape;
    vLocal = position;
    vFace = abs(normal.z) > 0.5 ? 2 : (abs(normal.x) > 0.5 ? 1 : 0);
    vSize = vec3(length(instanceMatrix[0].xyz), length(instanceMatrix[1].xyz), length(instanceMatrix[2].xyz));
    vNormal = normalize(mat3(instanceMatrix) * normal);
    gl_Position = projectionMatrix * modelViewMatrix * instanceMatrix * vec4(position, 1.0);
    }
`;

const BAY_FRAGMENT = /* glsl */ `
  flat in uvec2 vCodes;
  flat in vec4 vShape; // levels, share of the height below level 1, worst code, number of the bay
  flat in vec3 vSize;
  flat in int vFace;
  flat in uint vRow;
  in vec3 vLocal;
  in vec3 vNormal;
  uniform vec3 uUpright;
  uniform vec3 uBeam;
  uniform vec3 uInside;
  out vec4 outColor;
  ${COMMON}

  uint codeAt(int level) {
    uint word = level < 8 ? vCodes.x : vCodes.y;
    return (word >> uint((level % 8) * 4)) & 15u;
  }

  vec3 wholeBay(vec3 normal) {
    uint worst = uint(vShape.z + 0.5);
    return worst == 0u ? uInside : lit(uColors[worst], normal);
  }

  vec3 topFace(vec3 normal) {
    vec2 edge = min(vLocal.xy, 1.0 - vLocal.xy);
    bool isSteel = edge.x < 0.03 || edge.y < 0.045;
    if (max(fwidth(vLocal.x), fwidth(vLocal.y)) > 0.4) return wholeBay(normal);
    if (isSteel) return lit(edge.x < 0.03 ? uUpright : uBeam, normal);
    // From above, an empty top slot shows the goods below it, darker the deeper they lie.
    for (int level = int(vShape.x) - 1; level >= 0; level--) {
      uint code = codeAt(level);
      if (code == 0u) continue;
      float depth = 1.0 - 0.14 * (vShape.x - 1.0 - float(level));
      return lit(patterned(code, vLocal.xy, vSize.xy), normal) * wear(vRow * 16u + uint(level)) * depth;
    }
    return uInside;
  }

  vec3 wallFace(vec3 normal) {
    float level = (vLocal.z - vShape.y) / (1.0 - vShape.y) * vShape.x;
    float along = vFace == 1 ? vLocal.y : vLocal.x;
    float width = vFace == 1 ? vSize.y : vSize.x;
    float levelHeight = vSize.z * (1.0 - vShape.y) / vShape.x;
    if (fwidth(level) > 0.42 || fwidth(along) > 0.5) return wholeBay(normal);
    float toPost = min(along, 1.0 - along) * width;
    if (toPost < 0.05) return lit(uUpright, normal);
    if (level < 0.0) return uInside;
    float inLevel = fract(level);
    if (vFace == 0 && inLevel * levelHeight < 0.11) return lit(uBeam, normal);
    uint code = codeAt(int(level));
    float side = vFace == 1 ? 0.03 : 0.08;
    vec2 at = vec2((along - side) / (1.0 - 2.0 * side), (inLevel - 0.07) / 0.78);
    if (code == 0u || at.x < 0.0 || at.x > 1.0 || at.y < 0.0 || at.y > 1.0) return uInside;
    if (at.y < 0.1) return lit(uBeam * 0.45, normal);
    return lit(patterned(code, at, vec2(width, levelHeight)), normal) * wear(vRow * 16u + uint(level));
  }

  void main() {
    vec3 shade = vFace == 2 ? topFace(vNormal) : wallFace(vNormal);
    outColor = linearToOutputTexel(vec4(shade, 1.0));
  }
`;

const GOODS_VERTEX = /* glsl */ `
  in float aCode;
  in float aWear;
  flat out uint vCode;
  flat out float vAlarm;
  flat out vec3 vSize;
  flat out int vFace;
  flat out float vWear;
  out vec3 vLocal;
  out vec3 vNormal;

  void main() {
    vWear = aWear;
    vAlarm = aCode >= 16.0 ? 1.0 : 0.0;
    vCode = uint(mod(aCode, 16.0) + 0.5);
    vLocal = position;
    vFace = abs(normal.z) > 0.5 ? 2 : (abs(normal.x) > 0.5 ? 1 : 0);
    vSize = vec3(length(instanceMatrix[0].xyz), length(instanceMatrix[1].xyz), length(instanceMatrix[2].xyz));
    vNormal = normalize(mat3(instanceMatrix) * normal);
    gl_Position = projectionMatrix * modelViewMatrix * instanceMatrix * vec4(position, 1.0);
  }
`;

const GOODS_FRAGMENT = /* glsl */ `
  flat in uint vCode;
  flat in float vAlarm;
  flat in vec3 vSize;
  flat in int vFace;
  flat in float vWear;
  in vec3 vLocal;
  in vec3 vNormal;
  uniform vec3 uDeck;
  uniform vec3 uAlarm;
  out vec4 outColor;
  ${COMMON}

  const float PALLET_M = 0.144;

  // A pallet's side: a deck board over three blocks with the fork's gaps between.
  vec3 pallet(vec2 metres, float width, vec3 normal) {
    float block = abs(fract(metres.x / width * 2.0 + 0.5) - 0.5) / 2.0 * width;
    if (metres.y < 0.1 && block > 0.075) return uDeck * 0.18;
    return lit(uDeck * (metres.y < 0.1 ? 0.75 : 1.0), normal);
  }

  float cartonLine(vec2 metres, vec2 size) {
    vec2 count = max(vec2(1.0), floor(size / vec2(0.42, 0.34) + 0.5));
    vec2 cell = fract(metres / size * count) * size / count;
    vec2 gap = min(cell, size / count - cell);
    float line = min(gap.x, gap.y);
    return 1.0 - smoothstep(0.004, 0.004 + fwidth(line) * 1.2, line);
  }

  void main() {
    vec2 size = vFace == 2 ? vSize.xy : (vFace == 1 ? vSize.yz : vSize.xz);
    vec2 metres = (vFace == 2 ? vLocal.xy : (vFace == 1 ? vLocal.yz : vLocal.xz)) * size;
    vec3 shade;
    if (vFace != 2 && metres.y < PALLET_M) {
      shade = pallet(metres, size.x, vNormal);
    } else {
      if (vFace != 2) { metres.y -= PALLET_M; size.y -= PALLET_M; }
      shade = lit(patterned(vCode, metres / size, size), vNormal) * vWear;
      float seam = cartonLine(metres, size) * (1.0 - smoothstep(0.008, 0.02, max(fwidth(metres.x), fwidth(metres.y))));
      shade = mix(shade, shade * 0.55 + 0.06, 0.75 * seam);
      vec2 edge = min(metres, size - metres);
      if (vAlarm > 0.5 && min(edge.x, edge.y) < 0.07) shade = uAlarm;
    }
    outColor = linearToOutputTexel(vec4(shade, 1.0));
  }
`;

function commonUniforms() {
  return {
    uColors: { value: codeColors() },
    uPatterns: { value: codePatterns() },
    uBlank: { value: color("--scene-floor") },
    uSun: { value: SUN_IN_SITE },
  };
}

/** Material of the bay boxes. Attributes: aCodes (two words), aShape (levels, first share, worst, number). */
export function bayMaterial(): ShaderMaterial {
  return new ShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: BAY_VERTEX,
    fragmentShader: BAY_FRAGMENT,
    uniforms: {
      ...commonUniforms(),
      uUpright: { value: color("--scene-upright") },
      uBeam: { value: color("--scene-beam") },
      uInside: { value: color("--scene-inside") },
    },
  });
}

/** Material of pallets with goods seen near. Attributes: aCode, plus 16 when an alarm names the unit; aWear, about 1. */
export function goodsMaterial(): ShaderMaterial {
  return new ShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: GOODS_VERTEX,
    fragmentShader: GOODS_FRAGMENT,
    uniforms: { ...commonUniforms(), uDeck: { value: color("--scene-deck") }, uAlarm: { value: color("--grade-freeze") } },
  });
}

/** Reads the colours of the theme in force into a material made above. */
export function repaint(material: ShaderMaterial): void {
  const { uniforms } = material;
  uniforms["uColors"]!.value = codeColors();
  uniforms["uBlank"]!.value = color("--scene-floor");
  if (uniforms["uUpright"]) uniforms["uUpright"].value = color("--scene-upright");
  if (uniforms["uInside"]) uniforms["uInside"].value = color("--scene-inside");
  if (uniforms["uBeam"]) uniforms["uBeam"].value = color("--scene-beam");
  if (uniforms["uDeck"]) uniforms["uDeck"].value = color("--scene-deck");
  if (uniforms["uAlarm"]) uniforms["uAlarm"].value = color("--grade-freeze");
}
