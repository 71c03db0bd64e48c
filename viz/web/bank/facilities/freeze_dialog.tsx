/** An officer freezes a facility by hand, with a reason that stays in its history. */

import type { FacilityDetail } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { ReasonDialog } from "../parts/reason_dialog";

export function FreezeDialog({ facility, onClose }: { facility: FacilityDetail; onClose: () => void }) {
  const { t } = useWords();
  return (
    <ReasonDialog
      title={t("bank.freezeTitle", { borrower: facility.borrower_name })}
      path={`/facilities/${encodeURIComponent(facility.facility_id)}/freeze`}
      how={t("bank.freezeHow")}
      action={t("bank.freeze")}
      onClose={onClose}
    />
  );
}
