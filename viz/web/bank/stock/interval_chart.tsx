/** Low, middle and high against what the books claim: a scale with its figures, large enough to talk about. */

import type { Interval } from "@shared/api/types";
import { useWords } from "@shared/react/page";

/** Sizes of the drawing, in its own units; it scales with the panel. */
const WIDTH = 480;
const HEIGHT = 92;
const SIDE = 10;
const BAR = { top: 34, height: 18 } as const;

export function IntervalChart({ value, claimed }: { value: Interval; claimed: number }) {
  const { t } = useWords();
  const whole = Math.max(claimed, value.high, 1);
  const x = (amount: number) => SIDE + ((WIDTH - 2 * SIDE) * amount) / whole;
  const words = t("interval.words", { low: value.low, mid: value.mid, high: value.high, claimed });
  const { top, height } = BAR;
  return (
    <svg className="interval-chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={words}>
      <rect className="claim" x={SIDE} y={top} width={x(claimed) - SIDE} height={height} />
      <rect className="low" x={SIDE} y={top} width={x(value.low) - SIDE} height={height} />
      <rect className="range" x={x(value.low)} y={top} width={x(value.high) - x(value.low)} height={height} />
      <line className="mid" x1={x(value.mid)} x2={x(value.mid)} y1={top - 4} y2={top + height + 4} />
      <line className="book" x1={x(claimed)} x2={x(claimed)} y1={top - 8} y2={top + height + 8} />
      <text x={x(value.low)} y={top - 12} textAnchor={anchor(value.low / whole)}>
        {t("bank.atLeast", { count: value.low })}
      </text>
      <text x={x(value.mid)} y={top + height + 20} textAnchor={anchor(value.mid / whole)}>
        {t("bank.mostLikely", { count: value.mid })}
      </text>
      <text className="book-text" x={WIDTH - SIDE} y={HEIGHT - 4} textAnchor="end">
        {t("bank.booksSay", { count: claimed })}
      </text>
    </svg>
  );
}

/** Figures near an end of the scale stay inside the drawing. */
function anchor(share: number): "start" | "middle" | "end" {
  if (share < 0.15) return "start";
  return share > 0.85 ? "end" : "middle";
}
