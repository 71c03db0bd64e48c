/**
 * Signs drawn on a 16 × 16 grid. ICONS are stroked paths for actions; MARKS are filled shapes that carry a
 * status, each different without its colour. Framework-free: React draws them with `Icon` and `Mark`.
 */

export const ICONS = {
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.7 10.7 14 14",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  check: "M2.5 8.5l3.5 3.5 7.5-8",
  chevronDown: "M3.5 6 8 10.5 12.5 6",
  chevronRight: "M6 3.5 10.5 8 6 12.5",
  chevronLeft: "M10 3.5 5.5 8 10 12.5",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z",
  eyeOff: "M2 2l12 12M6.2 4c.6-.3 1.2-.5 1.8-.5 4 0 6.5 4.5 6.5 4.5s-.8 1.4-2.2 2.7M9.6 12.2c-.5.2-1 .3-1.6.3C4 12.5 1.5 8 1.5 8s.9-1.7 2.6-3",
  locate: "M8 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM8 1v3M8 12v3M1 8h3M12 8h3",
  layers: "M8 2 14.5 5.5 8 9 1.5 5.5zM1.5 8.5 8 12l6.5-3.5M1.5 11.2 8 14.7l6.5-3.5",
  bell: "M8 2a4 4 0 0 0-4 4c0 4-1.5 5-1.5 5.5h11C13.5 11 12 10 12 6a4 4 0 0 0-4-4zM6.5 13.5a1.5 1.5 0 0 0 3 0",
  person: "M8 7.5a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM2.5 14c.5-3 2.7-4.5 5.5-4.5s5 1.5 5.5 4.5",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1",
  moon: "M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z",
  help: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM6 6.2c0-1.2.9-2 2-2s2 .8 2 1.9c0 1.6-2 1.7-2 3.2M8 11.6v.1",
  camera: "M1.5 5h3l1-1.8h5l1 1.8h3v8h-13zM8 11.2a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8z",
  top: "M2 2h12v12H2zM2 8h12M8 2v12",
  gate: "M2.5 14V5M2.5 6.5 14 4.5M2.5 9 14 7M1 14h3",
  truck: "M1 4h8.5v7H1zM9.5 6.5h3l2.5 2.5v2H9.5zM4 13a1.4 1.4 0 1 0 0-2.8A1.4 1.4 0 0 0 4 13zM12 13a1.4 1.4 0 1 0 0-2.8A1.4 1.4 0 0 0 12 13z",
  forklift: "M11 2v10.5h4M2 12V7h3l2-4h2.5v9M4 14a1.6 1.6 0 1 0 0-3.2A1.6 1.6 0 0 0 4 14zM8.5 14a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2z",
  pallet: "M3 3h10v7H3zM1.5 12h13M3 12v2M8 12v2M13 12v2",
  rack: "M2 2v12.5M14 2v12.5M2 6h12M2 11h12",
  clock: "M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM8 4v4l2.8 1.8",
  download: "M8 2v8M4.5 6.8 8 10.3l3.5-3.5M2.5 13.5h11",
  print: "M4 6V2h8v4M4 11.5H2v-5h12v5h-2M4 9.5h8v4.5H4z",
  refresh: "M13.5 3v3.5H10M13.2 6.5A5.5 5.5 0 1 0 13.5 9",
  lock: "M3.5 7.5h9v6.5h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  scale: "M8 2v12M4 14h8M2 4.5h12M2 4.5 .8 9.5h2.9zM14 4.5l-1.2 5h2.7z",
  yuan: "M3.5 2 8 7.5 12.5 2M8 7.5V14M4.5 8.5h7M4.5 11h7",
  signal: "M8 9.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4zM5.2 10.8a4 4 0 0 1 0-5.6M10.8 5.2a4 4 0 0 1 0 5.6M3 13a7 7 0 0 1 0-10M13 3a7 7 0 0 1 0 10",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  home: "M2 7.5 8 2.5l6 5M3.5 7v7h9V7",
  scan: "M1.5 5V2H5M11 2h3.5v3M14.5 11v3H11M5 14H1.5v-3M4.5 5v6M7 5v6M9 5v6M11.5 5v6",
  keyboard: "M1.5 4h13v8.5h-13zM4.2 6.8h.1M6.7 6.8h.1M9.3 6.8h.1M11.8 6.8h.1M5 9.8h6",
  menu: "M2 4h12M2 8h12M2 12h12",
  list: "M5.5 4H14M5.5 8H14M5.5 12H14M2 4h.1M2 8h.1M2 12h.1",
  device: "M4.5 1.5h7v13h-7zM4.5 11.5h7M8 13h.1",
  dots: "M3 8h.1M8 8h.1M13 8h.1",
  external: "M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4",
} as const;

export type IconName = keyof typeof ICONS;

export const MARKS = {
  /** An outline: a claim that nothing backs. */
  hollow: "M2 2h12v12H2zM4.5 4.5v7h7v-7z",
  /** Half filled: seen, not yet confirmed by a second kind of sensor. */
  half: "M2 2h12v12H2zM4.5 4.5v7H8v-7z",
  solid: "M2 2h12v12H2z",
  cross: "M2 4.5 4.5 2 8 5.5 11.5 2 14 4.5 10.5 8 14 11.5 11.5 14 8 10.5 4.5 14 2 11.5 5.5 8z",
  dot: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12z",
  ring: "M8 14.5A6.5 6.5 0 1 0 8 1.5a6.5 6.5 0 0 0 0 13zM8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8z",
  triangle: "M8 1.5 15.5 14.5H.5z",
  diamond: "M8 .8 15.2 8 8 15.2.8 8z",
  octagon: "M5 1h6l4 4v6l-4 4H5l-4-4V5z",
  lock: "M3 7h1.5V5a3.5 3.5 0 0 1 7 0v2H13v8H3zM6.5 7h3V5a1.5 1.5 0 0 0-3 0z",
  tick: "M6 13.5 1 8.5l2-2 3 3L13 2.5l2 2z",
} as const;

export type MarkName = keyof typeof MARKS;

/** Mark and colour token of each status. The same everywhere: in the scene, in tables, on the handheld. */
export const LOOKS = {
  evidence: {
    claimed: { mark: "hollow", color: "--evidence-claimed" },
    seen: { mark: "half", color: "--evidence-seen" },
    verified: { mark: "solid", color: "--evidence-verified" },
    missing: { mark: "cross", color: "--evidence-missing" },
  },
  status: {
    free: { mark: "ring", color: "--status-free" },
    reserved: { mark: "half", color: "--status-reserved" },
    held: { mark: "lock", color: "--status-held" },
    pledged: { mark: "diamond", color: "--status-pledged" },
  },
  grade: {
    note: { mark: "dot", color: "--grade-note" },
    check: { mark: "triangle", color: "--grade-check" },
    restrict: { mark: "diamond", color: "--grade-restrict" },
    freeze: { mark: "octagon", color: "--grade-freeze" },
  },
  device: {
    online: { mark: "tick", color: "--good" },
    never: { mark: "ring", color: "--grade-note" },
    offline: { mark: "cross", color: "--grade-restrict" },
    gap: { mark: "triangle", color: "--grade-check" },
    fault: { mark: "octagon", color: "--grade-freeze" },
    retired: { mark: "hollow", color: "--grade-note" },
  },
  outcome: {
    good: { mark: "tick", color: "--good" },
    waiting: { mark: "ring", color: "--grade-note" },
    warning: { mark: "triangle", color: "--grade-check" },
    bad: { mark: "octagon", color: "--grade-freeze" },
  },
} as const satisfies Record<string, Record<string, { mark: MarkName; color: `--${string}` }>>;

export type Look = { mark: MarkName; color: `--${string}` };
