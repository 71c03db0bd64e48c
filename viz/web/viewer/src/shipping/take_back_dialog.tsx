/** What was announced wrongly is taken back, while nothing of it has arrived. */
import type { Visit } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { ReasonDialog } from "../desk/reason_dialog";

interface TakeBackProps {
  visit: Pick<Visit, "visit_id" | "plate">;
  onClose: () => void;
  onDone: () => void;
}

export function TakeBackDialog({ visit, ...rest }: TakeBackProps) {
  const { t } = useWords();
  return (
    <ReasonDialog
      {...rest}
      title={t("shipping.takeBackTitle", { plate: visit.plate })}
      path={`/visits/${encodeURIComponent(visit.visit_id)}/cancel`}
      action={t("shipping.takeBack")}
      how={t("shipping.takeBackHow")}
      isDanger
    />
  );
}

export function TakeBackButton({ onClick }: { onClick: () => void }) {
  const { t } = useWords();
  return (
    <button type="button" className="th-button" onClick={onClick}>
      {t("shipping.takeBack")}
    </button>
  );
}
