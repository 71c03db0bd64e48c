import type { Session } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Blank } from "@shared/react/parts";

/** Says when people of this party come to see a site, and where their work is until then. */
export function NoSite({ session }: { session: Session }) {
  const { t } = useWords();
  const { kind } = session.party;
  return (
    <Blank title={t("viewer.noSite")}>
      <p>{t(`viewer.noSiteHow.${kind}`)}</p>
      {(kind === "bank" || kind === "owner") && (
        <a className="th-button" data-kind="primary" href="/bank/">
          {t("viewer.toBank")}
        </a>
      )}
    </Blank>
  );
}
