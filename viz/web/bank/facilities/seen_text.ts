/** What a sensor reported, in the person's language: alarms keep it as a short note in a fixed form. */

import type { AlarmEvidence } from "@shared/api/types";
import { ssccOfTag } from "@shared/codes/epc";
import { formatSscc } from "@shared/i18n/format";
import type { Translate } from "@shared/i18n/i18n";

/** `{tag in hexadecimal} out`, as the gate's reader is noted. */
const TAG_NOTE = /^([0-9A-F]+) (in|out)$/;

/** `{kilograms} kg in`, as the weighbridge is noted; `net` is the difference of two weighings. */
const MASS_NOTE = /^(-?\d+) kg (in|out|net)$/;

/** A sentence for one piece of evidence; the note itself when its form is another. */
export function seenText(seen: AlarmEvidence, t: Translate): string {
  const tag = TAG_NOTE.exec(seen.summary);
  if (tag !== null) return t(`bank.saw.tag_${tag[2]}`, { pallet: palletOf(tag[1] ?? "") });
  const mass = MASS_NOTE.exec(seen.summary);
  if (mass !== null) return t(`bank.saw.mass_${mass[2]}`, { kg: Number(mass[1]) });
  if (seen.summary !== "") return t(seen.summary, { ...seen });
  return seen.modality ? t(`modality.${seen.modality}`) : seen.observation_id;
}

function palletOf(tag: string): string {
  const sscc = ssccOfTag(tag);
  return sscc === null ? tag : formatSscc(sscc);
}
