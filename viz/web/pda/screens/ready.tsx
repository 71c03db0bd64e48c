/** The first screen: ready for any code, and the work that waits. */

import type { Task } from "@shared/api/types";
import { signal } from "@preact/signals";
import type { ReadyStep } from "../flow/flow";
import type { Handheld } from "../handheld";
import { t } from "../texts";
import { ScanActions } from "./entry";
import { menu } from "./menu";
import { Icon, Mark, PalletCode } from "./parts";

type Kind = Task["kind"];
const KINDS: readonly Kind[] = ["putaway", "pick"];
/** Null until the worker picks a tab: then the first kind that has work is shown. */
const chosenKind = signal<Kind | null>(null);

export function ReadyScreen({ handheld, step }: { handheld: Handheld; step: ReadyStep }) {
  const here = handheld.tasks.value.filter((task) => step.place === null || isAt(task, step.place));
  const has = (kind: Kind) => here.some((task) => task.kind === kind);
  const shown = chosenKind.value ?? KINDS.find(has) ?? "putaway";
  return (
    <>
      <ScanPrompt place={step.place} onAll={() => handheld.back()} />
      <Notes handheld={handheld} />
      <KindTabs tasks={here} shown={shown} />
      <TaskList tasks={here.filter((task) => task.kind === shown)} handheld={handheld} />
      <ScanActions handheld={handheld} />
    </>
  );
}

function isAt(task: Task, place: string): boolean {
  return task.to_place === place || task.from_place === place;
}

function ScanPrompt({ place, onAll }: { place: string | null; onAll: () => void }) {
  return (
    <section class="prompt" aria-live="polite">
      <Icon name="scan" />
      <div>
        <h1>{t("pda.readyToScan")}</h1>
        <p>{place === null ? t("pda.anyCode") : t("pda.workAt", { place })}</p>
      </div>
      {place !== null && (
        <button type="button" class="th-button" onClick={onAll}>
          {t("pda.showAll")}
        </button>
      )}
    </section>
  );
}

/** Scans that were shown as done while the line was cut, and that the server booked nothing for. */
function Notes({ handheld }: { handheld: Handheld }) {
  const count = handheld.notes.value.length;
  if (count === 0) return null;
  return (
    <button type="button" class="hint notes" onClick={() => (menu.value = "scans")}>
      <Mark name="triangle" />
      <span>{t("pda.notedLater", { count })}</span>
      <Icon name="chevronRight" />
    </button>
  );
}

function KindTabs({ tasks, shown }: { tasks: readonly Task[]; shown: Kind }) {
  return (
    <div class="tabs" role="group" aria-label={t("pda.work")}>
      {KINDS.map((kind) => (
        <button
          key={kind}
          type="button"
          aria-pressed={shown === kind}
          onClick={() => {
            chosenKind.value = kind;
          }}
        >
          {t(`pda.kind.${kind}`)}
          <b>{tasks.filter((task) => task.kind === kind).length}</b>
        </button>
      ))}
    </div>
  );
}

function TaskList({ tasks, handheld }: { tasks: readonly Task[]; handheld: Handheld }) {
  if (tasks.length === 0) {
    return (
      <div class="body blank">
        <Icon name="check" />
        <strong>{t("pda.noTasks")}</strong>
        <span>{t("pda.noTasksHint")}</span>
      </div>
    );
  }
  return (
    <ul class="body tasks">
      <li class="tasks-note">{t("pda.lastDigits")}</li>
      {tasks.map((task) => (
        <li key={task.task_id}>
          <button type="button" class="task" onClick={() => handheld.choose(task)}>
            <TaskRow task={task} me={handheld.worker.value?.person.person_id ?? ""} />
          </button>
        </li>
      ))}
    </ul>
  );
}

function TaskRow({ task, me }: { task: Task; me: string }) {
  const place = task.kind === "pick" ? task.from_place : task.to_place;
  const isTaken = task.claimed_by !== null && task.claimed_by !== me;
  return (
    <>
      <span class="task-place">{place}</span>
      <span class="task-what">
        <PalletCode sscc={task.sscc} />
        <span>
          {task.sku} · {t("pda.pieces", { count: task.quantity_each })}
        </span>
        {isTaken && <em>{t("pda.takenBy", { who: task.claimed_by_name ?? t("pda.somebody") })}</em>}
      </span>
      <Icon name="chevronRight" />
    </>
  );
}
