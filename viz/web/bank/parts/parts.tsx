/** Parts that the pages of the console share. */

import type { HistoryEntry } from "@shared/api/types";
import { formatAge, formatMoney, formatMoneyShort } from "@shared/i18n/format";
import type { Translate } from "@shared/i18n/i18n";
import { LOOKS } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Age, Blank, Loading, Mark, Problem, Tag, useNow } from "@shared/react/parts";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { momentText } from "../data/moments";
import { isNotFound } from "../data/queries";
import { isMe } from "../data/rights";
import { useSignedIn } from "./session";

/** Title, the line under it, and what can be done here. */
export function PageHead(props: { title: ReactNode; sub?: ReactNode; back?: { to: string; text: string }; children?: ReactNode }) {
  return (
    <header className="page-head">
      <div>
        {props.back && (
          <Link className="crumb" to={props.back.to}>
            {props.back.text}
          </Link>
        )}
        <h1>{props.title}</h1>
        {props.sub && <p>{props.sub}</p>}
      </div>
      <div className="page-actions">{props.children}</div>
    </header>
  );
}

/** A titled part of a page. */
export function Panel(props: { title: string; note?: ReactNode; actions?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`th-panel panel ${props.className ?? ""}`} aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        {props.note && <span className="th-soft">{props.note}</span>}
        <span className="panel-actions">{props.actions}</span>
      </header>
      {props.children}
    </section>
  );
}

/** Draws what a query answered; until then that it is loading, or what went wrong and a way to try again. */
export function Answer<Data>({ query, children }: { query: UseQueryResult<Data>; children: (data: Data) => ReactNode }) {
  const { t } = useWords();
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isPending) return <Loading />;
  if (isNotFound(query.error)) return <Blank title={t("bank.notFound")}>{t("bank.notFoundWhy")}</Blank>;
  return <Problem error={query.error} onRetry={() => void query.refetch()} />;
}

/** An amount to the fen. */
export function Money({ fen, currency }: { fen: number; currency?: string }) {
  const { locale } = useWords();
  return <span className="money">{formatMoney(fen, locale, currency)}</span>;
}

/** An amount to the yuan; the fen show when pointed at. */
export function MoneyShort({ fen, currency }: { fen: number; currency?: string }) {
  const { locale } = useWords();
  return (
    <span className="money" title={formatMoney(fen, locale, currency)}>
      {formatMoneyShort(fen, locale, currency)}
    </span>
  );
}

/** A moment in the bank's zone, and how long ago that is. */
export function When({ at }: { at: string }) {
  const { locale } = useWords();
  return (
    <span className="when">
      {momentText(at, locale)} <span className="th-faint">· </span>
      <span className="th-faint">
        <Age at={at} />
      </span>
    </span>
  );
}

/** A moment in the bank's zone, where how long ago that is would only repeat; it shows when pointed at. */
export function Moment({ at }: { at: string }) {
  const { locale } = useWords();
  const now = useNow();
  return (
    <time dateTime={at} title={formatAge(at, now, locale)}>
      {momentText(at, locale)}
    </time>
  );
}

export function Pairs({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="pairs">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value === "" || value === null ? "–" : value}</dd>
        </div>
      ))}
    </dl>
  );
}

type State = keyof typeof STATE_LOOKS;

const STATE_LOOKS = {
  open: LOOKS.outcome.good,
  frozen: LOOKS.outcome.bad,
  closed: LOOKS.outcome.waiting,
  issued: LOOKS.outcome.waiting,
  pledged: LOOKS.status.pledged,
  cancelled: LOOKS.outcome.waiting,
  proposed: LOOKS.outcome.waiting,
  approved: LOOKS.outcome.good,
  refused: LOOKS.outcome.warning,
  active: LOOKS.evidence.verified,
  repaid: LOOKS.outcome.good,
  released: LOOKS.outcome.waiting,
  counts: LOOKS.outcome.good,
  replaced: LOOKS.evidence.claimed,
  waiting: LOOKS.outcome.waiting,
  overtaken: LOOKS.evidence.claimed,
  waiting_acceptance: LOOKS.outcome.warning,
  retired: LOOKS.device.retired,
} as const;

/** The state of a facility, receipt, drawdown, loan or price: shape, colour and word. */
export function StateTag({ state }: { state: State }) {
  const { t } = useWords();
  return <Tag look={STATE_LOOKS[state]}>{t(`bank.state.${state}`)}</Tag>;
}

/** A sentence by its key, with facts; a key without a text shows as words rather than as a code. */
export function sentence(t: Translate, key: string, facts: Record<string, unknown>): string {
  const text = t(key, facts);
  return text === key ? (key.split(".").at(-1) ?? key).replaceAll("_", " ") : text;
}

/** Who acted: oneself, the product's own hand, or another person by name. */
export function Who({ id, name }: { id: string; name: string | null }) {
  const { t } = useWords();
  const session = useSignedIn();
  if (isMe(session, id)) return <span className="who">{t("bank.you")}</span>;
  if (id === "" || id.startsWith("product:")) return <span className="who">{t("common.product")}</span>;
  return <span className="who">{name ?? id}</span>;
}

/** What happened, newest first, by whom and on which facts. */
export function History({ entries, group }: { entries: readonly HistoryEntry[]; group: "facility" | "receipt" }) {
  const { t } = useWords();
  if (entries.length === 0) return <Blank title={t("bank.noHistory")} />;
  const newest = lastOfRuns([...entries].sort((a, b) => b.at.localeCompare(a.at)), REPEATED_KIND);
  return (
    <ol className="history">
      {newest.map((entry, index) => (
        <li key={`${entry.at} ${entry.kind} ${index}`} data-kind={entry.kind}>
          <Mark name={historyMark(entry.kind)} />
          <div>
            <b>{sentence(t, `bank.history.${group}.${entry.kind}`, entry.facts)}</b>
            <HistoryFacts entry={entry} />
            <p className="th-soft">
              {entry.kind === REPEATED_KIND ? t("common.product") : <Who id={entry.by} name={entry.by_name} />} · <Moment at={entry.at} />
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}

/** Which amount an entry is about, the most telling first; of these two it says which it is. */
const AMOUNT_FACTS = ["amount_fen", "principal_fen", "lendable_fen", "limit_fen"] as const;
const NAMED_AMOUNTS: Partial<Record<(typeof AMOUNT_FACTS)[number], string>> = { lendable_fen: "bank.lendable", limit_fen: "bank.limit" };

/** Stock is valued anew whenever a sensor sees it: of such a run only the newest says anything. */
const REPEATED_KIND = "revalued";

/** Drops entries of a kind that follow a newer one of the same kind. `newest` is ordered newest first. */
export function lastOfRuns(newest: readonly HistoryEntry[], kind: string): HistoryEntry[] {
  return newest.filter((entry, index) => entry.kind !== kind || newest[index - 1]?.kind !== kind);
}

function historyMark(kind: string) {
  if (kind.includes("frozen") || kind.includes("froze")) return "octagon";
  if (kind.includes("pledge")) return "diamond";
  return kind.includes("propos") ? "ring" : "dot";
}

/** Facts that a history entry is known to carry, in reading order; ids of rows are of no use here. */
function HistoryFacts({ entry }: { entry: HistoryEntry }) {
  const { t, locale } = useWords();
  const { facts } = entry;
  const parts: string[] = [];
  const amount = AMOUNT_FACTS.find((name) => typeof facts[name] === "number");
  if (amount) {
    const title = NAMED_AMOUNTS[amount];
    parts.push(`${title ? `${t(title)} ` : ""}${formatMoney(Number(facts[amount]), locale)}`);
  }
  if (typeof facts["units"] === "number" && facts["units"] > 0) parts.push(t("bank.palletCount", { count: facts["units"] }));
  if (typeof facts["reason_key"] === "string") parts.push(sentence(t, facts["reason_key"], facts));
  else if (typeof facts["reason"] === "string") parts.push(facts["reason"]);
  const evidence = facts["evidence_ids"];
  if (Array.isArray(evidence) && evidence.length > 0) parts.push(t("bank.onEvidence", { count: evidence.length }));
  const receiptId = facts["receipt_id"];
  return (
    <>
      {parts.length > 0 && <p>{parts.join(" · ")}</p>}
      {typeof receiptId === "string" && (
        <p>
          <Link className="link" to={`/receipts/${receiptId}`}>
            {t("bank.seeReceipt")}
          </Link>
        </p>
      )}
    </>
  );
}
