/** What the page tells about itself, for tests and for people who watch performance. */
interface TallyhouseProbe {
  /** Frames of the scene drawn since the page was opened. */
  framesDrawn: number;
  /** Moment (milliseconds since 1970) at which the newest alarm was on the screen; null before the first. */
  lastAlarmAt: number | null;
  /** Ids of the alarms whose freeze banner has been on the screen. */
  bannersShown: string[];
  /** Triangles of racks and pallets sent with the last frame. */
  rackTriangles: number;
  /** Units that the last frame knew of. */
  units: number;
  /** Poses of moving things taken from the live stream. */
  posesReceived: number;
}

interface Window {
  __tallyhouse: TallyhouseProbe;
}
