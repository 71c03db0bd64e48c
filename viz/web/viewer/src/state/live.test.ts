import type { StreamMessage } from "@shared/api/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LiveLink, REOPEN_MS, SILENCE_MS, type LinkState, type Resume, type Socket } from "./live";

class FakeSocket implements Socket {
  binaryType: BinaryType = "blob";
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  isClosed = false;

  constructor(readonly address: string) {}

  close(): void {
    this.isClosed = true;
  }

  send(data: unknown): void {
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  drop(): void {
    this.onclose?.(new Event("close") as CloseEvent);
  }
}

const HELLO = JSON.stringify({ type: "hello", revision: 3, server_time: "2026-11-23T06:00:00Z" });

/** A link on a clock that the test moves, with everything it says written down. */
function aLink(onReopen: () => Promise<Resume> = () => Promise.resolve({ revision: 9, alarmsAfter: "c7" })) {
  const sockets: FakeSocket[] = [];
  const states: LinkState[] = [];
  const messages: StreamMessage[] = [];
  const bad: unknown[] = [];
  const link = new LiveLink(
    "site-1",
    {
      onState: (state) => states.push(state),
      onPoses: () => undefined,
      onMessage: (message) => messages.push(message),
      onReopen,
      onBadFrame: (error) => bad.push(error),
    },
    {
      open: (address) => {
        const socket = new FakeSocket(address);
        sockets.push(socket);
        return socket;
      },
      now: () => Date.now(),
    },
  );
  return { link, sockets, states, messages, bad };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("the line goes on after the scene that was read", () => {
  const { link, sockets } = aLink();
  link.start({ revision: 5, alarmsAfter: null });
  const address = new URL(sockets[0]!.address);
  expect(address.pathname).toBe("/api/v1/sites/site-1/stream");
  expect(address.protocol).toMatch(/^wss?:$/);
  expect([...address.searchParams]).toEqual([["after", "5"]]);
  link.stop();
});

test("a frame makes the line live, silence makes it quiet, long silence opens it anew", async () => {
  const { link, sockets, states } = aLink();
  link.start({ revision: 5, alarmsAfter: null });
  sockets[0]!.send(HELLO);
  await vi.advanceTimersByTimeAsync(SILENCE_MS.quiet + 2000);
  expect(states).toEqual(["live", "quiet"]);
  await vi.advanceTimersByTimeAsync(SILENCE_MS.dead);
  expect(sockets[0]!.isClosed).toBe(true);
  expect(states).toEqual(["live", "quiet", "reconnecting"]);
  expect(sockets).toHaveLength(2);
  link.stop();
});

test("a broken line is read anew and goes on after the last alarm", async () => {
  const { link, sockets, states } = aLink();
  link.start({ revision: 5, alarmsAfter: null });
  sockets[0]!.send(HELLO);
  sockets[0]!.drop();
  await vi.advanceTimersByTimeAsync(REOPEN_MS.first);
  expect(new URL(sockets[1]!.address).search).toBe("?after=9&alarms_after=c7");
  sockets[1]!.send(HELLO);
  expect(states).toEqual(["live", "reconnecting", "live"]);
  link.stop();
});

test("while the server is away the waits double up to a bound, and the page keeps trying", async () => {
  let tries = 0;
  const { link, sockets } = aLink(() => {
    tries += 1;
    return Promise.reject(new Error("away"));
  });
  link.start({ revision: 5, alarmsAfter: null });
  sockets[0]!.drop();
  await vi.advanceTimersByTimeAsync(60_000);
  // 0.4, 0.8, 1.6, 3.2, 6.4 and then every 8 s: ten tries within a minute.
  expect(tries).toBe(10);
  expect(sockets).toHaveLength(1);
  link.stop();
});

test("a frame that cannot be read is told and the line stays open", () => {
  const { link, sockets, bad, messages } = aLink();
  link.start({ revision: 5, alarmsAfter: null });
  sockets[0]!.send("{not json");
  sockets[0]!.send(new ArrayBuffer(3));
  sockets[0]!.send(HELLO);
  expect(bad).toHaveLength(2);
  expect(messages.map((message) => message.type)).toEqual(["hello"]);
  expect(sockets[0]!.isClosed).toBe(false);
  link.stop();
});

test("after stop nothing is opened again", async () => {
  const { link, sockets } = aLink();
  link.start({ revision: 5, alarmsAfter: null });
  link.stop();
  sockets[0]!.drop();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sockets).toHaveLength(1);
});
