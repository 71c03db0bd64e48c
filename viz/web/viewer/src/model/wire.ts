/** Binary frames of the live stream: a header of 8 bytes, then 20 bytes for each pose, little-endian. */

export interface Pose {
  index: number;
  x: number;
  y: number;
  z: number;
  headingDeg: number;
  isLoaded: boolean;
  isStale: boolean;
}

export interface PoseFrame {
  revision: number;
  poses: Pose[];
}

const TYPE_POSES = 1;
const VERSION = 1;
const HEADER_BYTES = 8;
const POSE_BYTES = 20;

/** Raises RangeError for a frame of another type or version, or whose length is not what its header says. */
export function decodePoses(buffer: ArrayBuffer): PoseFrame {
  const view = new DataView(buffer);
  if (view.byteLength < HEADER_BYTES || view.getUint8(0) !== TYPE_POSES || view.getUint8(1) !== VERSION) {
    throw new RangeError("not a pose frame of version 1");
  }
  const count = view.getUint16(2, true);
  if (view.byteLength !== HEADER_BYTES + count * POSE_BYTES) throw new RangeError("length differs from the count");
  const poses = Array.from({ length: count }, (_, row) => poseAt(view, HEADER_BYTES + row * POSE_BYTES));
  return { revision: view.getUint32(4, true), poses };
}

function poseAt(view: DataView, at: number): Pose {
  const flags = view.getUint16(at + 18, true);
  return {
    index: view.getUint32(at, true),
    x: view.getInt32(at + 4, true) / 1000,
    y: view.getInt32(at + 8, true) / 1000,
    z: view.getInt32(at + 12, true) / 1000,
    headingDeg: view.getUint16(at + 16, true) / 100,
    isLoaded: (flags & 1) !== 0,
    isStale: (flags & 2) !== 0,
  };
}
