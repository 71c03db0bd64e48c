/** One question: which pallet, or which place. */

import type { Task } from "@shared/api/types";
import type { PalletStep, PlaceStep } from "../flow/flow";
import type { Handheld } from "../handheld";
import { hasText, t } from "../texts";
import { ScanActions } from "./entry";
import { Facts, Icon, Mark, PalletCode, PlaceCode } from "./parts";

export function PalletQuestion({ handheld, step }: { handheld: Handheld; step: PalletStep }) {
  const { task } = step;
  return (
    <>
      <Heading handheld={handheld} task={task} number={1} />
      <section class="body question">
        <h1>{t("pda.scanPallet")}</h1>
        {task.kind === "pick" && <PlaceCode code={task.from_place} />}
        <p class="wanted">
          <PalletCode sscc={task.sscc} />
        </p>
        <ClaimProblem handheld={handheld} />
        <Facts rows={goodsOf(task)} />
      </section>
      <ScanActions handheld={handheld} />
    </>
  );
}

export function PlaceQuestion({ handheld, step }: { handheld: Handheld; step: PlaceStep }) {
  const { task } = step;
  return (
    <>
      <Heading handheld={handheld} task={task} number={2} />
      <section class="body question">
        <h1>{t("pda.scanPlace")}</h1>
        {task ? <PlaceCode code={task.to_slot_id ?? task.to_place} /> : <NoTask step={step} />}
        <ClaimProblem handheld={handheld} />
        <Facts rows={[[t("pda.pallet"), <PalletCode sscc={step.code} />], ...(task ? goodsOf(task) : [])]} />
      </section>
      <ScanActions handheld={handheld} />
    </>
  );
}

function Heading({ handheld, task, number }: { handheld: Handheld; task: Task | null; number: 1 | 2 }) {
  const isShort = task?.kind === "pick";
  return (
    <div class="heading">
      <button type="button" class="back" aria-label={t("pda.back")} onClick={() => handheld.back()}>
        <Icon name="chevronLeft" />
      </button>
      <span>{t(`pda.kind.${task?.kind ?? "putaway"}`)}</span>
      {!isShort && <span class="steps">{t("pda.stepOf", { step: number, steps: 2 })}</span>}
    </div>
  );
}

function NoTask({ step }: { step: PlaceStep }) {
  return (
    <p class="hint">
      <Mark name="triangle" />
      {t(step.hasNoWork ? "pda.noWorkForPallet" : "pda.noTaskForPallet")}
    </p>
  );
}

function ClaimProblem({ handheld }: { handheld: Handheld }) {
  const problem = handheld.claimProblem.value;
  if (problem === null) return null;
  const key = `problems.${problem.key}`;
  return (
    <p class="hint" role="alert">
      <Mark name="triangle" />
      {hasText(key) ? t(key, problem.facts) : t("pda.claimRefused")}
    </p>
  );
}

function goodsOf(task: Task): [string, string][] {
  return [
    [t("pda.goods"), task.sku],
    [t("pda.quantity"), t("pda.pieces", { count: task.quantity_each })],
    [t("pda.from"), task.from_place],
  ];
}
