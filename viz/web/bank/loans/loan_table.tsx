/** Loans with what is still owed, and how a payment is booked. */

import type { Loan } from "@shared/api/types";
import { formatDate, formatShare } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { yuanText } from "../data/money";
import { mayRepay, paysTheBank } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { type Column, DataTable } from "../parts/data_table";
import { Money, StateTag } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { RepayDialog } from "./repay_dialog";

interface Props {
  loans: readonly Loan[];
  columns?: readonly Column<Loan>[];
  /** Leaves out what a facility's page says elsewhere. */
  isNarrow?: boolean;
}

export function LoanTable({ loans, columns, isNarrow = false }: Props) {
  const { t } = useWords();
  const usual = useLoanColumns();
  const session = useSignedIn();
  const isOwed = loans.some((loan) => loan.state === "active");
  return (
    <>
      {isOwed && paysTheBank(session) && <p>{t("bank.payTheBank")}</p>}
      <DataTable
        columns={(columns ?? usual).filter((column) => !isNarrow || column.key !== "rate")}
        rows={loans}
        rowKey={(loan) => loan.loan_id}
        empty={{ title: t("bank.noLoans"), hint: t("bank.noLoansHint") }}
      />
    </>
  );
}

export function useLoanColumns(): Column<Loan>[] {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const money = (key: string, title: string, fen: (loan: Loan) => number): Column<Loan> => ({
    key,
    title,
    isNumber: true,
    draw: (loan) => <Money fen={fen(loan)} />,
    value: (loan) => yuanText(fen(loan)),
  });
  const columns: Column<Loan>[] = [
    { key: "drawn", title: t("bank.drawnOn"), draw: (loan) => formatDate(loan.drawn_on, locale), value: (loan) => loan.drawn_on },
    { key: "due", title: t("bank.dueOn"), draw: (loan) => formatDate(loan.maturity_on, locale), value: (loan) => loan.maturity_on },
    { key: "state", title: t("bank.stateTitle"), draw: (loan) => <StateTag state={loan.state} />, value: (loan) => loan.state },
    { key: "rate", title: t("bank.rate"), isNumber: true, draw: (loan) => formatShare(loan.rate, locale), value: (loan) => loan.rate },
    money("principal", t("bank.principal"), (loan) => loan.principal_fen),
    money("outstanding", t("bank.outstanding"), (loan) => loan.outstanding_fen),
    money("interest", t("bank.interest"), (loan) => loan.interest_fen),
  ];
  if (mayRepay(session)) columns.push({ key: "repay", title: "", draw: (loan) => <Repay loan={loan} />, value: () => "" });
  return columns;
}

function Repay({ loan }: { loan: Loan }) {
  const { t } = useWords();
  if (loan.state === "repaid") return null;
  return <DialogButton text={t("bank.repayShort")} dialog={(close) => <RepayDialog loan={loan} onClose={close} />} />;
}
