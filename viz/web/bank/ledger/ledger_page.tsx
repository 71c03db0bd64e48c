/** The bank's books: accounts, entries, and whether they add up. */

import type { LedgerAccount, LedgerEntry } from "@shared/api/types";
import { formatDate } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Blank, Icon, Mark } from "@shared/react/parts";
import { useState } from "react";
import { yuanText } from "../data/money";
import { ENTRIES_SHOWN_MAX, useAccounts, useEntries } from "../data/queries";
import { seesLedger } from "../data/rights";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, Money, Moment, PageHead, Panel, sentence } from "../parts/parts";
import { useSignedIn } from "../parts/session";
import { checkBooks } from "./balance";

export function LedgerPage() {
  const { t } = useWords();
  const maySee = seesLedger(useSignedIn());
  const [account, setAccount] = useState<string | null>(null);
  const accounts = useAccounts(maySee);
  const entries = useEntries(account, maySee);
  if (!maySee) return <Blank title={t("bank.notForYou")} />;
  return (
    <>
      <PageHead title={t("bank.ledger")} sub={t("bank.ledgerSub")} />
      <Answer query={accounts}>
        {(all) => (
          <>
            <Balanced accounts={all} entries={entries.data ?? []} />
            <Accounts accounts={all} chosen={account} onChoose={setAccount} />
            <Answer query={entries}>
              {(shown) => <Entries entries={shown} accounts={all} account={account} onAll={() => setAccount(null)} />}
            </Answer>
          </>
        )}
      </Answer>
    </>
  );
}

function Balanced({ accounts, entries }: { accounts: readonly LedgerAccount[]; entries: readonly LedgerEntry[] }) {
  const { t } = useWords();
  const check = checkBooks(accounts, entries);
  return (
    <p className="balanced" data-ok={check.is_balanced} role={check.is_balanced ? "status" : "alert"}>
      <Mark name={check.is_balanced ? "tick" : "octagon"} />
      <b>{t(check.is_balanced ? "bank.balanced" : "bank.notBalanced")}</b>
      <span>
        {t("bank.debits")} <Money fen={check.debits_fen} /> · {t("bank.credits")} <Money fen={check.credits_fen} />
        {check.unbalanced.length > 0 && <> · {check.unbalanced.join(", ")}</>}
      </span>
    </p>
  );
}

function Accounts(props: { accounts: readonly LedgerAccount[]; chosen: string | null; onChoose: (id: string) => void }) {
  const { t } = useWords();
  const columns: Column<LedgerAccount>[] = [
    {
      key: "name",
      title: t("bank.account"),
      draw: (account) => (
        <button type="button" className="link name" onClick={() => props.onChoose(account.account_id)}>
          {sentence(t, `bank.account_kind.${account.kind}`, {})}
        </button>
      ),
      value: (account) => sentence(t, `bank.account_kind.${account.kind}`, {}),
    },
    { key: "id", title: t("bank.accountId"), isFileOnly: true, draw: (account) => account.account_id, value: (account) => account.account_id },
    { key: "party", title: t("bank.party"), draw: (account) => account.name, value: (account) => account.name },
    { key: "debit", title: t("bank.debit"), isNumber: true, draw: (account) => <Side account={account} sign={1} />, value: (account) => sideText(account, 1) },
    { key: "credit", title: t("bank.credit"), isNumber: true, draw: (account) => <Side account={account} sign={-1} />, value: (account) => sideText(account, -1) },
  ];
  return (
    <Panel title={t("bank.accounts")} actions={<ExportButton name="accounts" columns={columns} rows={props.accounts} />}>
      <DataTable
        columns={columns}
        rows={props.accounts}
        rowKey={(account) => account.account_id}
        empty={{ title: t("bank.noAccounts") }}
        onOpen={(account) => props.onChoose(account.account_id)}
        rowClass={(account) => (account.account_id === props.chosen ? "row-open" : "")}
      />
    </Panel>
  );
}

function Side({ account, sign }: { account: LedgerAccount; sign: 1 | -1 }) {
  if (account.balance_fen === 0) return <span className="th-faint">–</span>;
  if (account.balance_fen * sign < 0) return null;
  return <Money fen={account.balance_fen * sign} currency={account.currency} />;
}

function sideText(account: LedgerAccount, sign: 1 | -1): string {
  return account.balance_fen * sign > 0 ? yuanText(account.balance_fen * sign) : "";
}

interface EntriesProps {
  entries: readonly LedgerEntry[];
  accounts: readonly LedgerAccount[];
  account: string | null;
  onAll: () => void;
}

function Entries({ entries, accounts, account, onAll }: EntriesProps) {
  const { t, locale } = useWords();
  const nameOf = (id: string) => {
    const account = accounts.find((known) => known.account_id === id);
    return account ? `${sentence(t, `bank.account_kind.${account.kind}`, {})} · ${account.name}` : id;
  };
  const columns: Column<LedgerEntry>[] = [
    { key: "date", title: t("bank.businessDate"), draw: (entry) => formatDate(entry.business_date, locale), value: (entry) => entry.business_date },
    { key: "at", title: t("bank.bookedAt"), draw: (entry) => <Moment at={entry.at} />, value: (entry) => entry.at },
    { key: "what", title: t("bank.what"), draw: (entry) => sentence(t, entry.text_key, entry.facts), value: (entry) => sentence(t, entry.text_key, entry.facts) },
    { key: "postings", title: t("bank.postings"), draw: (entry) => <Postings entry={entry} nameOf={nameOf} />, value: (entry) => postingsText(entry) },
    { key: "amount", title: t("bank.amount"), isNumber: true, draw: (entry) => <Money fen={debitTotal(entry)} />, value: (entry) => yuanText(debitTotal(entry)) },
  ];
  return (
    <Panel
      title={account === null ? t("bank.entries") : t("bank.entriesOf", { account: nameOf(account) })}
      note={entries.length >= ENTRIES_SHOWN_MAX ? t("bank.newestOnly", { count: ENTRIES_SHOWN_MAX }) : undefined}
      actions={
        <>
          {account !== null && (
            <button type="button" className="th-button" data-kind="quiet" onClick={onAll}>
              <Icon name="close" />
              {t("bank.allAccounts")}
            </button>
          )}
          <ExportButton name="entries" columns={columns} rows={entries} />
        </>
      }
    >
      <DataTable columns={columns} rows={entries} rowKey={(entry) => entry.entry_id} empty={{ title: t("bank.noEntries") }} />
    </Panel>
  );
}

function Postings({ entry, nameOf }: { entry: LedgerEntry; nameOf: (id: string) => string }) {
  const { t } = useWords();
  return (
    <ul className="postings">
      {entry.postings.map((posting, index) => (
        <li key={`${posting.account_id} ${index}`} data-side={posting.amount_fen > 0 ? "debit" : "credit"}>
          <span>{t(posting.amount_fen > 0 ? "bank.debitShort" : "bank.creditShort")}</span>
          {nameOf(posting.account_id)}
          <Money fen={Math.abs(posting.amount_fen)} />
        </li>
      ))}
    </ul>
  );
}

function debitTotal(entry: LedgerEntry): number {
  return entry.postings.reduce((sum, posting) => sum + Math.max(0, posting.amount_fen), 0);
}

function postingsText(entry: LedgerEntry): string {
  return entry.postings.map((posting) => `${posting.account_id} ${yuanText(posting.amount_fen)}`).join("; ");
}
