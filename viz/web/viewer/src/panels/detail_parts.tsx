import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import type { ReactNode } from "react";
import { flyToSelection } from "../keys";
import { useView } from "../state/view";

/** Heading of a selection with its two tools: fly there, and close. */
export function DetailHead({ title, sub, children }: { title: string; sub?: string; children?: ReactNode }) {
  const { t } = useWords();
  const select = useView((view) => view.select);
  return (
    <header className="detail-head">
      <div>
        <h2>{title}</h2>
        {sub && <p className="th-soft">{sub}</p>}
      </div>
      <span className="detail-tools">
        <button type="button" className="th-button" data-kind="icon" title={t("viewer.flyTo")} aria-label={t("viewer.flyTo")} onClick={flyToSelection}>
          <Icon name="locate" />
        </button>
        <button type="button" className="th-button" data-kind="icon" title={t("common.close")} aria-label={t("common.close")} onClick={() => select(null)}>
          <Icon name="close" />
        </button>
      </span>
      {children}
    </header>
  );
}

/** A row of a detail's list. */
export function Fact({ name, isCode, children }: { name: string; isCode?: boolean; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={isCode ? "th-mono" : undefined}>{children}</dd>
    </div>
  );
}
