/** What a sensor reported, in the person's language: alarms keep it as a short note in a fixed form. */
import type { AlarmEvidence } from "./api/types";
import { ssccOfTag } from "./codes/epc";
import { formatSscc } from "./i18n/format";
import type { Translate } from "./i18n/i18n";

/** `{tag in hexadecimal} out`, as a gate's reader is noted; `by`, as its inner antenna alone is; `inside`, as a
 * forklift that claims to have it is. */
const TAG_NOTE = /^([0-9A-F]+) (in|out|by|inside)$/;

/** `{kilograms} kg in`, as the weighbridge is noted; `net` is the difference of two weighings. */
const MASS_NOTE = /^(-?\d+) kg (in|out|net)$/;

/** As the barrier is noted. */
const LOOP_NOTE = "loop passed, boom not shut";

/** Two connections of one device: where from, as far as that is known. */
const CONNECTIONS_NOTE = /^(?:.* )?from (.+)$/;
const THROWN_OUT_NOTE = "two connections";

/** A number of a device that came again with another reading. */
const NUMBER_NOTE = /^number (\d+) of boot (\d+)$/;

/** A sentence for one piece of evidence; the note itself when its form is another. */
export function seenText(seen: AlarmEvidence, t: Translate): string {
  const tag = TAG_NOTE.exec(seen.summary);
  if (tag !== null) return t(`saw.tag_${tag[2]}`, { pallet: palletOf(tag[1] ?? "") });
  const mass = MASS_NOTE.exec(seen.summary);
  if (mass !== null) return t(`saw.mass_${mass[2]}`, { kg: Number(mass[1]) });
  if (seen.summary === LOOP_NOTE) return t("saw.loop_passed");
  const number = NUMBER_NOTE.exec(seen.summary);
  if (number !== null) return t("saw.number_again", { number: Number(number[1]), boot: Number(number[2]) });
  const connections = CONNECTIONS_NOTE.exec(seen.summary);
  if (connections !== null) return t("saw.connections", { addresses: connections[1] ?? "" });
  if (seen.summary === THROWN_OUT_NOTE) return t("saw.two_connections");
  if (seen.summary !== "") return t(seen.summary, { ...seen });
  return seen.modality ? t(`modality.${seen.modality}`) : seen.observation_id;
}

/** One line of a trail of evidence: the first of several observations that say the same. */
export interface Seen {
  readonly first: AlarmEvidence;
  readonly count: number;
}

/** Evidence in the order in which it happened; what a device said more than once stands once, with how often. */
export function inOrder(evidence: readonly AlarmEvidence[]): Seen[] {
  const lines = new Map<string, Seen>();
  for (const seen of [...evidence].sort((a, b) => (a.at ?? "").localeCompare(b.at ?? ""))) {
    const said = seen.summary === "" ? seen.observation_id : seen.summary;
    const before = lines.get(`${seen.device_id} ${said}`);
    lines.set(`${seen.device_id} ${said}`, { first: before?.first ?? seen, count: (before?.count ?? 0) + 1 });
  }
  return [...lines.values()];
}

function palletOf(tag: string): string {
  const sscc = ssccOfTag(tag);
  return sscc === null ? tag : formatSscc(sscc);
}
