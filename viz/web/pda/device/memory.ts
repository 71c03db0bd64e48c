/** The little this device remembers outside the scan queue: who it is, who works with it, the last list of work. */

import type { SignedIn, Site, Task } from "@shared/api/types";

/** Credentials from enrolment. The token goes with every scan; the server can withdraw it. */
export interface DeviceIdentity {
  readonly device_id: string;
  readonly device_token: string;
  readonly site_id: string;
}

/** Who was signed in last; enough to go on working while the line is cut. Holds no secret. */
export type Worker = Pick<SignedIn, "person" | "party">;

interface Remembered {
  device: DeviceIdentity;
  worker: Worker;
  site: Site;
  tasks: Task[];
  /** True after a sign-out without a line: the session on the server is still to be ended. */
  leaving: true;
}

const PREFIX = "tallyhouse.pda.";

/** What was remembered under `name`, or null. A value that cannot be read any more counts as absent. */
export function recall<Name extends keyof Remembered>(name: Name): Remembered[Name] | null {
  const text = window.localStorage.getItem(PREFIX + name);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Remembered[Name];
  } catch {
    forget(name);
    return null;
  }
}

export function remember<Name extends keyof Remembered>(name: Name, value: Remembered[Name]): void {
  window.localStorage.setItem(PREFIX + name, JSON.stringify(value));
}

export function forget(name: keyof Remembered): void {
  window.localStorage.removeItem(PREFIX + name);
}
