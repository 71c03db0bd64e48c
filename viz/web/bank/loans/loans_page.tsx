/** All loans that the person's party has given or taken. */

import type { Loan } from "@shared/api/types";
import { useWords } from "@shared/react/page";
import { Figure } from "../facilities/facilities_page";
import { sidesOf } from "../data/names";
import { useFacilities, useLoans } from "../data/queries";
import { borrows } from "../data/rights";
import { type Column, ExportButton } from "../parts/data_table";
import { Answer, PageHead, Panel } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { LoanTable, useLoanColumns } from "./loan_table";

export function LoansPage() {
  const { t } = useWords();
  const query = useLoans();
  const columns = [useOtherSideColumn(), ...useLoanColumns()];
  return (
    <>
      <PageHead title={t("bank.loans")} sub={t("bank.loansSub")} />
      <Answer query={query}>
        {(loans) => (
          <>
            <Totals loans={loans} />
            <Panel title={t("bank.allLoans")} actions={<ExportButton name="loans" columns={columns} rows={loans} />}>
              <LoanTable loans={loans} columns={columns} />
            </Panel>
          </>
        )}
      </Answer>
    </>
  );
}

function Totals({ loans }: { loans: readonly Loan[] }) {
  const { t } = useWords();
  const total = (fen: (loan: Loan) => number) => loans.reduce((sum, loan) => sum + fen(loan), 0);
  return (
    <dl className="figures">
      <Figure name={t("bank.principal")} fen={total((loan) => loan.principal_fen)} />
      <Figure name={t("bank.outstanding")} fen={total((loan) => loan.outstanding_fen)} />
      <Figure name={t("bank.interest")} fen={total((loan) => loan.interest_fen)} />
    </dl>
  );
}

/** Who is on the other side of the loan, with the way to its facility. */
function useOtherSideColumn(): Column<Loan> {
  const { t } = useWords();
  const session = useSignedIn();
  const facilities = useFacilities().data ?? [];
  const nameOf = (loan: Loan) => {
    const facility = facilities.find((known) => known.facility_id === loan.facility_id);
    return facility ? sidesOf(session, facility).other : "–";
  };
  return {
    key: "borrower",
    title: t(borrows(session) ? "bank.bank" : "bank.borrower"),
    draw: (loan) => (
      <a className="name" href={`#/facilities/${loan.facility_id}`}>
        {nameOf(loan)}
      </a>
    ),
    value: nameOf,
  };
}
