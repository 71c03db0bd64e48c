/** How devices are called before people. A keeper names what it mounts; handhelds get ids that nobody can read out. */
import type { Translate } from "./i18n/i18n";

const MADE_ID = /^pda_[0-9A-Z]{26}$/;

/** Characters of a made id that people tell handhelds apart by: the last, since the first are the time. */
const SHORT_CHARS = 6;

/** The end of a made id, as handheld and list both show it; null for a device that was given a name. */
export function handheldShort(deviceId: string): string | null {
  return MADE_ID.test(deviceId) ? deviceId.slice(-SHORT_CHARS) : null;
}

/** "Handheld DQTY12" for a made id, else the name itself. */
export function deviceName(deviceId: string, t: Translate): string {
  const short = handheldShort(deviceId);
  return short === null ? deviceId : t("device.handheld", { short });
}
