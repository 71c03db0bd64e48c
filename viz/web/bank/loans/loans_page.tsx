/** All loans under the facilities that the person sees. */

import type { Facility } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Loading } from "@shared/react/parts";
import { useFacilities, useFacilityDetails } from "../data/queries";
import { ExportButton } from "../parts/data_table";
import { Answer, PageHead, Panel } from "../parts/parts";
import { Figure } from "../facilities/facilities_page";
import { LoanTable, useLoanColumns } from "./loan_table";

export function LoansPage() {
  const { t } = useWords();
  const query = useFacilities();
  return (
    <>
      <PageHead title={t("bank.loans")} sub={t("bank.loansSub")} />
      <Answer query={query}>{(facilities) => <LoansOf facilities={facilities} />}</Answer>
    </>
  );
}

function LoansOf({ facilities }: { facilities: readonly Facility[] }) {
  const { t } = useWords();
  const details = useFacilityDetails(facilities.map((facility) => facility.facility_id));
  const columns = useLoanColumns();
  if (details.some((detail) => detail.isPending)) return <Loading />;
  const known = details.flatMap((detail) => detail.data ?? []);
  const loans = known.flatMap((facility) => facility.loans);
  const total = (fen: (loan: (typeof loans)[number]) => number) => loans.reduce((sum, loan) => sum + fen(loan), 0);
  return (
    <>
      <dl className="figures">
        <Figure name={t("bank.principal")} fen={total((loan) => loan.principal_fen)} />
        <Figure name={t("bank.outstanding")} fen={total((loan) => loan.outstanding_fen)} />
        <Figure name={t("bank.interest")} fen={total((loan) => loan.interest_fen)} />
      </dl>
      {known
        .filter((facility) => facility.loans.length > 0 || known.length === 1)
        .map((facility) => (
          <Panel
            key={facility.facility_id}
            title={facility.borrower_name}
            note={facility.bank_name}
            actions={<ExportButton name={`loans-${facility.facility_id}`} columns={columns} rows={facility.loans} />}
          >
            <LoanTable loans={facility.loans} />
          </Panel>
        ))}
    </>
  );
}
