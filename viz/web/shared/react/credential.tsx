/** A secret that is shown once, to be carried over into the device. */

import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";

export function Credential({ secret }: { secret: string }) {
  const { t } = useWords();
  return (
    <p className="th-credential">
      <code data-testid="credential">{secret}</code>
      <button type="button" className="th-button" data-kind="quiet" onClick={() => void navigator.clipboard.writeText(secret)}>
        <Icon name="list" />
        {t("common.copy")}
      </button>
    </p>
  );
}
