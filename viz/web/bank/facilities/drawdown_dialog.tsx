/** Asking for money under a facility: an amount within what is available, and the day it is due. */

import type { FacilityDetail } from "@shared/api/types";
import { formatMoney } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { parseYuan } from "../data/money";
import { CommandDialog, Field } from "../parts/command_dialog";

/** The usual term of a drawdown, in days; the form starts with it. */
const TERM_DAYS = 90;
const DAY_MS = 86_400_000;

/** The calendar date `days` after `nowMs`, in the bank's zone, as ISO text. */
export function dueDate(nowMs: number, days: number): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(nowMs + days * DAY_MS);
}

export function DrawdownDialog({ facility, onClose }: { facility: FacilityDetail; onClose: () => void }) {
  const { t, locale } = useWords();
  const [text, setText] = useState("");
  const [maturity_date, setMaturity] = useState(() => dueDate(Date.now(), TERM_DAYS));
  const amount_fen = parseYuan(text);
  const isAbove = amount_fen !== null && amount_fen > facility.available_fen;
  const isPast = maturity_date < dueDate(Date.now(), 1);
  const available = formatMoney(facility.available_fen, locale, facility.currency);
  const wrong = text === "" ? undefined : amount_fen === null ? t("bank.notAnAmount") : isAbove ? t("bank.aboveAvailable", { available }) : undefined;
  return (
    <CommandDialog
      title={t("bank.proposeDrawdown")}
      path={`/facilities/${encodeURIComponent(facility.facility_id)}/drawdowns`}
      body={amount_fen !== null && !isAbove && !isPast ? { amount_fen, maturity_date } : null}
      action={t("bank.propose")}
      onClose={onClose}
    >
      <p>{t("bank.drawdownHow")}</p>
      <Field label={t("bank.amount")} hint={t("bank.availableNow", { available })} wrong={wrong}>
        <Input value={text} inputMode="decimal" prefix="¥" autoFocus onChange={(event) => setText(event.target.value)} />
      </Field>
      <Field label={t("bank.dueOn")} wrong={isPast && maturity_date !== "" ? t("bank.duePast") : undefined}>
        <Input type="date" value={maturity_date} min={dueDate(Date.now(), 1)} onChange={(event) => setMaturity(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
