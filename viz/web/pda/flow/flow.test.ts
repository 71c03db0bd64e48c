import type { Task } from "@shared/api/types";
import { describe, expect, it } from "vitest";
import { readText } from "../scan/reading";
import { decide, type Decision, type Effect, finishesTask, READY, type Step } from "./flow";

const PALLET = "376104250021234569";
const OTHER_PALLET = "376104250021234576";

function aTask(changes: Partial<Task> = {}): Task {
  return {
    task_id: "task-1",
    kind: "putaway",
    state: "open",
    unit_id: "unit-1",
    sscc: PALLET,
    sku: "SKU-1",
    quantity_each: 48,
    from_place: "staging-1",
    to_place: "A01-07-3",
    to_slot_id: "A01-07-3",
    claimed_by: null,
    claimed_by_name: null,
    order_id: null,
    created_at: "2026-11-23T06:00:00Z",
    priority: 1,
    ...changes,
  };
}

/** Plays codes and buttons one after the other; scan ids are s1, s2, … */
function play(inputs: string[], tasks: Task[], from: Step = READY): { step: Step; effects: Effect[] } {
  let step: Step = from;
  const effects: Effect[] = [];
  inputs.forEach((input, index) => {
    const scanId = `s${index + 1}`;
    const decision: Decision =
      input === "back" || input === "acknowledge"
        ? decide(step, { type: input }, tasks)
        : input === "other_pallet"
          ? decide(step, { type: "other_pallet", scanId }, tasks)
          : decide(step, { type: "reading", reading: readText(input, "typed"), scanId }, tasks);
    step = decision.step;
    effects.push(...decision.effects);
  });
  return { step, effects };
}

function sent(effects: Effect[]) {
  return effects.flatMap((effect) => (effect.type === "send" ? [effect.scan] : []));
}

function aside(effects: Effect[]) {
  return effects.flatMap((effect) => (effect.type === "set_aside" ? [[effect.text, effect.reason]] : []));
}

function signals(effects: Effect[]) {
  return effects.flatMap((effect) => (effect.type === "signal" ? [effect.signal] : []));
}

describe("putaway", () => {
  it("goes pallet, slot, done, and sends both codes as one scan of the task", () => {
    const { step, effects } = play([PALLET, "A01-07-3"], [aTask()]);
    expect(step).toMatchObject({ name: "done", code: PALLET, place: "A01-07-3", answer: "waiting" });
    expect(sent(effects)).toMatchObject([
      { scan_id: "s2", code: PALLET, place_code: "A01-07-3", task_id: "task-1" },
    ]);
    expect(aside(effects)).toEqual([[PALLET, "opened"]]);
    expect(signals(effects)).toEqual(["accepted", "accepted"]);
  });

  it("starts the next pallet straight from done", () => {
    const tasks = [aTask(), aTask({ task_id: "task-2", sscc: OTHER_PALLET })];
    const { step } = play([PALLET, "A01-07-3", OTHER_PALLET], tasks);
    expect(step).toMatchObject({ name: "place", code: OTHER_PALLET, task: { task_id: "task-2" } });
  });

  it("stores every scan before its signal", () => {
    const { effects } = play([PALLET, "B09-01-1", "acknowledge", "A01-07-3"], [aTask()]);
    const order = effects.map((effect) => effect.type).filter((type) => type !== "claim");
    expect(order).toEqual(["set_aside", "signal", "set_aside", "signal", "send", "signal"]);
  });

  it("stops at a wrong slot and names what it expected and what was scanned", () => {
    const { step, effects } = play([PALLET, "B09-01-1"], [aTask()]);
    expect(step).toMatchObject({ name: "stopped", key: "wrong_place", expected: "A01-07-3", scanned: "B09-01-1" });
    expect(signals(effects).at(-1)).toBe("refused");
  });

  it("stays stopped until acknowledged, and has on record what is scanned meanwhile", () => {
    const { step, effects } = play([PALLET, "B09-01-1", "A01-07-3"], [aTask()]);
    expect(step.name).toBe("stopped");
    expect(sent(effects)).toEqual([]);
    expect(aside(effects).slice(1)).toEqual([
      ["B09-01-1", "wrong_place"],
      ["A01-07-3", "blocked"],
    ]);
    expect(signals(effects).at(-1)).toBe("refused");
  });

  it("asks the same question again after the stop was acknowledged", () => {
    const { step } = play([PALLET, "B09-01-1", "acknowledge"], [aTask()]);
    expect(step).toMatchObject({ name: "place", code: PALLET });
  });

  it("takes the label of a floor area when the task leads there", () => {
    const task = aTask({ to_place: "staging-2", to_slot_id: null });
    expect(play([PALLET, "staging-2"], [task]).step).toMatchObject({ name: "done", place: "staging-2" });
    expect(play([PALLET, "staging-1"], [task]).step).toMatchObject({ name: "stopped", expected: "staging-2" });
  });

  it("takes the same pallet label twice without harm", () => {
    const { step } = play([PALLET, PALLET], [aTask()]);
    expect(step).toMatchObject({ name: "place", code: PALLET });
  });

  it("offers to work on the other pallet that was scanned in place of a slot", () => {
    const tasks = [aTask(), aTask({ task_id: "task-2", sscc: OTHER_PALLET })];
    const { step, effects } = play([PALLET, OTHER_PALLET, "other_pallet"], tasks);
    expect(step).toMatchObject({ name: "place", code: OTHER_PALLET, task: { task_id: "task-2" } });
    expect(effects).toContainEqual({ type: "release", taskId: "task-1" });
  });

  it("goes on with a pallet it has no task for, and leaves the decision to the server", () => {
    const { step, effects } = play([PALLET, "A01-07-3"], []);
    expect(step).toMatchObject({ name: "done", task: null });
    expect(sent(effects)).toMatchObject([
      { code: PALLET, place_code: null, task_id: null },
      { code: PALLET, place_code: "A01-07-3", task_id: null },
    ]);
  });

  it("takes over the task that the server names for the pallet", () => {
    const { step } = play([PALLET], []);
    const event = { type: "answered", scanId: "s1", code: PALLET, outcome: "noted", task: aTask() } as const;
    expect(decide(step, event, []).step).toMatchObject({ name: "place", task: { to_slot_id: "A01-07-3" } });
  });

  it("says so when the server knows of no work for the pallet either", () => {
    const { step } = play([PALLET], []);
    expect(step).toMatchObject({ name: "place", hasNoWork: false });
    const event = { type: "answered", scanId: "s1", code: PALLET, outcome: "noted", task: null } as const;
    expect(decide(step, event, []).step).toMatchObject({ name: "place", task: null, hasNoWork: true });
  });

  it("is not done but noted when the server booked nothing", () => {
    const { step } = play([PALLET, "A01-07-3"], []);
    const event = { type: "answered", scanId: "s2", code: PALLET, outcome: "noted", task: null } as const;
    expect(decide(step, event, []).step).toMatchObject({ name: "done", place: "A01-07-3", answer: "noted" });
  });

  it("shows the work at a slot whose label is scanned first", () => {
    expect(play(["A01-07-3"], [aTask()]).step).toEqual({ name: "ready", place: "A01-07-3" });
  });
});

describe("pick", () => {
  const pick = aTask({ kind: "pick", from_place: "A01-07-3", to_place: "staging-2", to_slot_id: null });

  it("is done with the pallet", () => {
    const { step, effects } = play([PALLET], [pick]);
    expect(step).toMatchObject({ name: "done", place: null });
    expect(finishesTask(sent(effects)[0]!, [pick])).toBe(true);
  });

  it("stops at another pallet than the chosen task asks for", () => {
    const chosen = decide(READY, { type: "choose", task: pick }, [pick]);
    expect(chosen.effects).toEqual([{ type: "claim", taskId: "task-1" }]);
    const { step } = play([OTHER_PALLET], [pick], chosen.step);
    expect(step).toMatchObject({ name: "stopped", key: "wrong_pallet", expected: PALLET, scanned: OTHER_PALLET });
  });

  it("stops at a slot label where the pallet was asked", () => {
    const chosen = decide(READY, { type: "choose", task: pick }, [pick]);
    const { step } = play(["A01-07-3"], [pick], chosen.step);
    expect(step).toMatchObject({ name: "stopped", key: "place_not_pallet", otherPallet: null });
  });

  it("gives the task back when the worker goes back", () => {
    const chosen = decide(READY, { type: "choose", task: pick }, [pick]);
    const { step, effects } = play(["back"], [pick], chosen.step);
    expect(step).toEqual(READY);
    expect(effects).toEqual([{ type: "release", taskId: "task-1" }]);
  });
});

describe("any screen", () => {
  it("stops at an unreadable code, has its text on record and sends nothing", () => {
    const wrong = PALLET.replace("3", "4");
    const { step, effects } = play([wrong], [aTask()]);
    expect(step).toMatchObject({ name: "stopped", key: "check_digit", scanned: wrong });
    expect(sent(effects)).toEqual([]);
    expect(aside(effects)).toEqual([[wrong, "check_digit"]]);
  });

  it("leaves a code that this device knows nothing about to the server", () => {
    const { step, effects } = play(["6291041500213"], [aTask()]);
    expect(step).toEqual(READY);
    expect(sent(effects)).toMatchObject([{ code: "06291041500213", task_id: null }]);
  });

  it("confirms done when the server has answered, and leaves it when the server turned it down", () => {
    const { step } = play([PALLET, "A01-07-3"], [aTask()]);
    const answered = { type: "answered", scanId: "s2", code: PALLET, outcome: "done", task: null } as const;
    expect(decide(step, answered, []).step).toMatchObject({ name: "done", answer: "done" });
    expect(decide(step, { type: "turned_down", scanId: "s2", code: PALLET }, []).step).toEqual(READY);
    expect(decide(step, { type: "turned_down", scanId: "s9", code: PALLET }, []).step).toEqual(step);
  });

  it("does not ask where to put a pallet that the server does not know", () => {
    const { step } = play([PALLET], []);
    expect(decide(step, { type: "turned_down", scanId: "s1", code: PALLET }, []).step).toEqual(READY);
    const known = play([PALLET], [aTask()]).step;
    expect(decide(known, { type: "turned_down", scanId: "s1", code: PALLET }, []).step).toEqual(known);
  });

  it("knows which scans end a task", () => {
    const scan = { scan_id: "s", code: PALLET, symbology: "typed", task_id: "task-1" };
    expect(finishesTask({ ...scan, place_code: null }, [aTask()])).toBe(false);
    expect(finishesTask({ ...scan, place_code: "A01-07-3" }, [aTask()])).toBe(true);
    expect(finishesTask({ ...scan, task_id: null, place_code: "A01-07-3" }, [aTask()])).toBe(false);
  });
});
