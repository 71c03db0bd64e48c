/** What the handheld asks of the server. Every failure is sorted into: try again, a person must act, or refused. */

import { ApiClient, ApiProblem } from "@shared/api/client";
import type { Scan, ScanAnswer, SignedIn, Site, Task } from "@shared/api/types";
import { type FailureKind, PostFailure } from "../queue/sender";
import type { Batch } from "../queue/store";
import type { DeviceIdentity } from "./memory";

/** Most pieces of work shown on one handheld. */
export const TASKS_SHOWN_MAX = 200;

/** Answers that mean "not now" rather than "no". */
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

export class Server {
  /** The client never leaves the page on 401: somebody with unsent scans must not lose sight of them. */
  private readonly client = new ApiClient({ onSignedOut: () => undefined });
  private hasSession = false;

  /** Raises PostFailure. */
  async session(): Promise<SignedIn> {
    const session = await sorted(this.client.signedIn());
    this.hasSession = true;
    return session;
  }

  /** Raises ApiProblem or Offline, so that the person reads why. */
  enrol(enrolmentCode: string): Promise<DeviceIdentity> {
    return this.client.post<DeviceIdentity>("/devices/pda/enrol", { enrolment_code: enrolmentCode });
  }

  /** The site as people call it; null when this person may not see it. Raises PostFailure. */
  async site(siteId: string): Promise<Site | null> {
    const sites = await sorted(this.client.list<Site>("/sites"));
    return sites.find((site) => site.site_id === siteId) ?? null;
  }

  /** Open work and work already begun, most urgent first. Raises PostFailure. */
  async tasks(siteId: string): Promise<Task[]> {
    const query = { state: "open", limit: TASKS_SHOWN_MAX };
    const answer = await sorted(this.client.get<{ items: Task[] }>(`/sites/${siteId}/tasks`, { query }));
    return answer.items.slice(0, TASKS_SHOWN_MAX);
  }

  /** Raises PostFailure. */
  async claim(taskId: string): Promise<void> {
    await this.post(`/tasks/${encodeURIComponent(taskId)}/claim`);
  }

  /** Raises PostFailure. */
  async release(taskId: string): Promise<void> {
    await this.post(`/tasks/${encodeURIComponent(taskId)}/release`);
  }

  /** Sends a batch under its own key; the same batch again gets the same answer. Raises PostFailure. */
  async scans(batch: Batch, device: DeviceIdentity): Promise<ScanAnswer> {
    await this.needSession();
    const body = { device_id: device.device_id, boot: batch.boot, scans: batch.scans.map(scanOf) };
    const headers = { "X-Device-Token": device.device_token };
    const answer = this.client.post<ScanAnswer>("/scans", body, { idempotencyKey: batch.key, headers });
    return withQuestions(await sorted(answer));
  }

  /** Raises PostFailure. */
  async signOut(): Promise<void> {
    await this.needSession();
    await sorted(this.client.signOut());
    this.hasSession = false;
  }

  /** One command of the person who is signed in. Raises PostFailure. */
  async post(path: string, body: unknown = {}): Promise<void> {
    await this.needSession();
    await sorted(this.client.post(path, body));
  }

  /** The page may have started without a line; the token against forged requests comes with the session. */
  private async needSession(): Promise<void> {
    if (!this.hasSession) await this.session();
  }
}

function scanOf({ sequence, observed_at, code, place_code, symbology, task_id }: Scan): Scan {
  return { sequence, observed_at, code, place_code, symbology, task_id };
}

/** The server's word for: this pallet is to be put away, say where. */
const PLACE_MISSING = "scan.place_missing";

/** A pallet sent without its place, because this device knew no work for it, was a question and not a mistake. */
export function withQuestions(answer: ScanAnswer): ScanAnswer {
  const results = answer.results.map((result) =>
    result.key === PLACE_MISSING ? { ...result, outcome: "noted" as const, key: null } : result,
  );
  return { ...answer, results };
}

async function sorted<Answer>(request: Promise<Answer>): Promise<Answer> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw new PostFailure("away", "offline");
    throw new PostFailure(kindOf(error.status, error.key), error.key, error.facts);
  }
}

/** Keys of refusals that are about the device and not about the person or the scan. */
const DEVICE_KEYS: ReadonlySet<string> = new Set(["device.unknown", "scan.other_device"]);

/** How an answer other than success is dealt with. */
export function kindOf(status: number, key: string): FailureKind {
  if (DEVICE_KEYS.has(key)) return "device_refused";
  if (status === 401 || key === "session.csrf") return "signed_out";
  return status >= 500 || PASSING_STATUS.has(status) ? "away" : "refused";
}
