/** The live stream of a site: opens it, opens it again when it breaks, and tells how fresh it is. */
import { API_BASE } from "@shared/api/client";
import type { StreamMessage } from "@shared/api/types";
import { decodePoses, type PoseFrame } from "../model/wire";

export type LinkState = "connecting" | "live" | "quiet" | "reconnecting";

/** Waits before opening again, in milliseconds: the first, and the longest after doubling. */
export const REOPEN_MS = { first: 400, longest: 8000 };
/** Silence after which the picture is called quiet, and after which the line is taken for dead. */
export const SILENCE_MS = { quiet: 15_000, dead: 45_000 };
const WATCH_EVERY_MS = 1000;

export interface LiveEvents {
  onState: (state: LinkState) => void;
  onPoses: (frame: PoseFrame) => void;
  onMessage: (message: StreamMessage) => void;
  /** Called before a broken line is opened again: what was missed must be read anew. Gives the place to go on. */
  onReopen: () => Promise<Resume>;
  /** A frame that could not be read. The line stays open: one bad frame must not blind the operator. */
  onBadFrame: (error: unknown) => void;
}

/** Where to go on: the scene's revision, and the last alarm that was taken in. */
export interface Resume {
  revision: number;
  alarmsAfter: string | null;
}

/** What the link needs of a WebSocket, so that tests can stand in for the browser. */
export interface Socket {
  binaryType: BinaryType;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  close(): void;
}

export interface LiveSettings {
  open?: (address: string) => Socket;
  now?: () => number;
}

function streamAddress(siteId: string, resume: Resume): string {
  const base = `${API_BASE}/sites/${encodeURIComponent(siteId)}/stream`;
  const address = new URL(base, window.location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("after", String(resume.revision));
  if (resume.alarmsAfter !== null) address.searchParams.set("alarms_after", resume.alarmsAfter);
  return address.href;
}

export class LiveLink {
  private socket: Socket | null = null;
  private state: LinkState = "connecting";
  private lastFrameAt = 0;
  private reopenMs = REOPEN_MS.first;
  private timer: number | undefined;
  private isStopped = false;
  private readonly watch: number;
  private readonly open: (address: string) => Socket;
  private readonly now: () => number;

  constructor(
    private readonly siteId: string,
    private readonly events: LiveEvents,
    settings: LiveSettings = {},
  ) {
    this.open = settings.open ?? ((address) => new WebSocket(address));
    this.now = settings.now ?? (() => performance.now());
    this.watch = window.setInterval(() => this.look(), WATCH_EVERY_MS);
  }

  start(resume: Resume): void {
    if (this.isStopped) return;
    const socket = this.open(streamAddress(this.siteId, resume));
    this.socket = socket;
    this.lastFrameAt = this.now();
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.take(event.data as unknown);
    socket.onclose = () => this.broken(socket);
  }

  stop(): void {
    this.isStopped = true;
    window.clearInterval(this.watch);
    window.clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
  }

  private take(data: unknown): void {
    this.lastFrameAt = this.now();
    this.reopenMs = REOPEN_MS.first;
    this.tell("live");
    try {
      if (data instanceof ArrayBuffer) this.events.onPoses(decodePoses(data));
      else this.events.onMessage(JSON.parse(String(data)) as StreamMessage);
    } catch (error) {
      this.events.onBadFrame(error);
    }
  }

  private look(): void {
    const silenceMs = this.now() - this.lastFrameAt;
    if (this.state === "live" && silenceMs > SILENCE_MS.quiet) this.tell("quiet");
    if (this.socket && silenceMs > SILENCE_MS.dead) {
      this.socket.close();
      this.broken(this.socket);
    }
  }

  private broken(socket: Socket): void {
    if (this.isStopped || socket !== this.socket) return;
    this.socket = null;
    this.tell("reconnecting");
    this.timer = window.setTimeout(() => void this.reopen(), this.reopenMs);
    this.reopenMs = Math.min(this.reopenMs * 2, REOPEN_MS.longest);
  }

  private async reopen(): Promise<void> {
    try {
      this.start(await this.events.onReopen());
    } catch {
      // The server is still away; the page already says "reconnecting", so this only waits longer.
      if (this.isStopped) return;
      this.timer = window.setTimeout(() => void this.reopen(), this.reopenMs);
      this.reopenMs = Math.min(this.reopenMs * 2, REOPEN_MS.longest);
    }
  }

  private tell(state: LinkState): void {
    if (state === this.state) return;
    this.state = state;
    this.events.onState(state);
  }
}
