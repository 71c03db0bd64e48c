/** Observations that show pledged pallets on site: what a thaw rests on. */

import type { Witness } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { formatSscc } from "@shared/i18n/format";
import type { Translate } from "@shared/i18n/i18n";
import { useWords } from "@shared/react/page";
import { Age } from "@shared/react/parts";
import { timeText } from "../data/moments";

/** Pallets named one by one; of more, how many. */
const NAMED_MAX = 2;

/** Which pallets, by what, when and by which device. */
export function WitnessText({ seen }: { seen: Witness }) {
  const { t, locale } = useWords();
  return (
    <span className="witness">
      <b>{palletsText(seen.ssccs, t)}</b>
      <small title={seen.observation_id}>
        {t(`modality.${seen.modality}`)} · {timeText(seen.at, locale)} · <Age at={seen.at} /> · {deviceName(seen.device_id, t)}
      </small>
    </span>
  );
}

/** "Pallet 0 6901234 000000001 2", or how many there are. */
export function palletsText(ssccs: readonly string[], t: Translate): string {
  if (ssccs.length > NAMED_MAX) return t("bank.palletCount", { count: ssccs.length });
  return ssccs.map((sscc) => t("bank.palletNamed", { sscc: formatSscc(sscc) })).join(", ");
}

/** True when something is offered now that the list does not show. */
export function isNewer(now: readonly Witness[], shown: readonly Witness[]): boolean {
  const known = new Set(shown.map((seen) => seen.observation_id));
  return now.some((seen) => !known.has(seen.observation_id));
}
