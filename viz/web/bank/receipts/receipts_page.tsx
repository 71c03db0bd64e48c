/** All receipts that the person's party issued, owns or holds. */

import { useWords } from "@shared/react/page";
import { useReceipts } from "../data/queries";
import { mayIssue } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { ExportButton } from "../parts/data_table";
import { Answer, PageHead, Panel } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { IssueDialog } from "./issue_dialog";
import { ReceiptTable, useReceiptColumns } from "./receipt_table";

export function ReceiptsPage() {
  const { t } = useWords();
  const session = useSignedIn();
  const query = useReceipts();
  const columns = useReceiptColumns();
  return (
    <>
      <PageHead title={t("bank.receipts")} sub={t("bank.receiptsSub")}>
        {mayIssue(session) && (
          <DialogButton text={t("bank.issue")} kind="primary" dialog={(close) => <IssueDialog onClose={close} />} />
        )}
      </PageHead>
      <Answer query={query}>
        {(receipts) => (
          <Panel title={t("bank.allReceipts")} actions={<ExportButton name="receipts" columns={columns} rows={receipts} />}>
            <ReceiptTable receipts={receipts} empty={{ title: t("bank.noReceipts"), hint: t("bank.noReceiptsHint") }} />
          </Panel>
        )}
      </Answer>
    </>
  );
}
