/** Which units stand in which slot, and what each slot and bay shows. */
import type { Unit } from "@shared/api/types";
import type { SiteFrame } from "./frame";
import { EMPTY, unitCode, worse, type ColorMode } from "./looks";

/** Places whose units are drawn where they lie, not in a rack. On a truck they are out of sight. */
const LOOSE = new Set<Unit["place"]>(["staging", "floor", "gate", "unknown"]);

export class Stock {
  readonly units = new Map<string, Unit>();
  private readonly bySlot = new Map<number, Set<string>>();

  constructor(readonly frame: SiteFrame) {}

  /** Takes the newest state of some units. Units that left stay known, but stand nowhere. */
  put(units: Iterable<Unit>): void {
    for (const unit of units) {
      const before = this.units.get(unit.unit_id);
      if (before) this.leave(before);
      this.units.set(unit.unit_id, unit);
      const slot = this.slotOf(unit);
      if (slot === undefined) continue;
      const here = this.bySlot.get(slot) ?? new Set();
      this.bySlot.set(slot, here.add(unit.unit_id));
    }
  }

  /** Forgets everything and starts from a full list, as after a lost connection. */
  replace(units: Iterable<Unit>): void {
    this.units.clear();
    this.bySlot.clear();
    this.put(units);
  }

  /** Index of the slot a unit stands in; undefined when it is in none, or in one the layout does not have. */
  slotOf(unit: Unit): number | undefined {
    return unit.place === "slot" && unit.slot_id !== null ? this.frame.slotIndex.get(unit.slot_id) : undefined;
  }

  /** Units of a slot; more than one is a contradiction that the books must settle, and all are kept. */
  unitsAt(slot: number): Unit[] {
    return [...(this.bySlot.get(slot) ?? [])].map((id) => this.units.get(id)!);
  }

  /** Units that lie outside the racks with a known point, such as in staging or before the gate. */
  loose(): Unit[] {
    return [...this.units.values()].filter((unit) => LOOSE.has(unit.place) && unit.point !== null);
  }

  /** The code of each slot, by slot index. A slot that two units claim shows the worse. */
  codes(mode: ColorMode, now: number, faded: ReadonlySet<string>): Uint8Array {
    const codes = new Uint8Array(this.frame.slots.length);
    for (const [slot, ids] of this.bySlot) {
      let code = EMPTY;
      for (const id of ids) code = worse(code, unitCode(this.units.get(id)!, mode, now, faded));
      codes[slot] = code;
    }
    return codes;
  }

  private leave(unit: Unit): void {
    const slot = this.slotOf(unit);
    if (slot === undefined) return;
    const here = this.bySlot.get(slot);
    here?.delete(unit.unit_id);
    if (here?.size === 0) this.bySlot.delete(slot);
  }
}

/** Slot codes of one bay packed for the shader: four bits a level, level 1 lowest, eight levels a word. */
export function packBay(codes: Uint8Array, firstSlot: number, levels: number): [number, number] {
  const words: [number, number] = [0, 0];
  for (let level = 0; level < Math.min(levels, 16); level += 1) {
    const code = codes[firstSlot + level] ?? EMPTY;
    const word = level < 8 ? 0 : 1;
    words[word] = (words[word] | (code << ((level % 8) * 4))) >>> 0;
  }
  return words;
}

/** The worst code of a bay: what a far bay shows, never an average. */
export function worstOfBay(codes: Uint8Array, firstSlot: number, levels: number): number {
  let worst = EMPTY;
  for (let level = 0; level < levels; level += 1) worst = worse(worst, codes[firstSlot + level] ?? EMPTY);
  return worst;
}
