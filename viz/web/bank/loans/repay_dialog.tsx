/** A repayment that the bank received: interest is paid first, then principal, as the loan says. */

import type { Loan } from "@shared/api/types";
import { formatMoney } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { parseYuan, yuanText } from "../data/money";
import { CommandDialog, Field } from "../parts/command_dialog";

export function RepayDialog({ loan, onClose }: { loan: Loan; onClose: () => void }) {
  const { t, locale } = useWords();
  const owed = loan.outstanding_fen + loan.interest_fen;
  const [text, setText] = useState(() => yuanText(owed));
  const amount_fen = parseYuan(text);
  const isAbove = amount_fen !== null && amount_fen > owed;
  const all = formatMoney(owed, locale);
  const wrong = amount_fen === null ? t("bank.notAnAmount") : isAbove ? t("bank.aboveOwed", { all }) : undefined;
  return (
    <CommandDialog
      title={t("bank.repayTitle")}
      path={`/loans/${encodeURIComponent(loan.loan_id)}/repayments`}
      body={amount_fen === null || isAbove ? null : { amount_fen }}
      action={t("bank.repay")}
      onClose={onClose}
    >
      <p>{t("bank.repayHow", { interest: formatMoney(loan.interest_fen, locale), principal: formatMoney(loan.outstanding_fen, locale) })}</p>
      <Field label={t("bank.amount")} hint={t("bank.owedNow", { all })} wrong={wrong}>
        <Input value={text} inputMode="decimal" prefix="¥" autoFocus onChange={(event) => setText(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
