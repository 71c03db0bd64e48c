/** What of the limit is drawn, and how far the stock carries: one line, read like a gauge. */

import type { Facility } from "@shared/api/types";
import { formatMoneyShort } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";

type Amounts = Pick<Facility, "limit_fen" | "drawn_fen" | "lendable_fen" | "currency">;

export function UseBar({ facility }: { facility: Amounts }) {
  const { t, locale } = useWords();
  const whole = Math.max(facility.limit_fen, facility.lendable_fen, facility.drawn_fen, 1);
  const at = (fen: number) => `${((100 * Math.max(0, fen)) / whole).toFixed(1)}%`;
  const money = (fen: number) => formatMoneyShort(fen, locale, facility.currency);
  const words = t("bank.useWords", {
    drawn: money(facility.drawn_fen),
    lendable: money(facility.lendable_fen),
    limit: money(facility.limit_fen),
  });
  const isShort = facility.drawn_fen > facility.lendable_fen;
  return (
    <div className="use" role="img" aria-label={words} title={words} data-short={isShort}>
      <span className="use-carried" style={{ width: at(Math.min(facility.lendable_fen, facility.limit_fen)) }} />
      <span className="use-drawn" style={{ width: at(facility.drawn_fen) }} />
      <span className="use-limit" style={{ left: at(facility.limit_fen) }} />
    </div>
  );
}
