/**
 * A small picture of the product's idea: a rack whose pallets go from claimed (outline) over seen (half) to
 * verified (solid), with one that is missing. Drawn with the same marks as everywhere.
 */
import { LOOKS } from "@shared/icons";
import { Mark } from "@shared/react/parts";
import type { EvidenceState } from "@shared/api/types";

const ROWS: EvidenceState[][] = [
  ["claimed", "claimed", "seen", "seen", "verified", "verified", "verified", "verified"],
  ["claimed", "seen", "seen", "verified", "verified", "verified", "verified", "verified"],
  ["claimed", "seen", "missing", "verified", "verified", "verified", "verified", "verified"],
];

export function EvidencePicture() {
  return (
    <div className="sign-in-rack" aria-hidden="true">
      {ROWS.map((row, level) => (
        <div key={level}>
          {row.map((state, bay) => (
            <Mark key={bay} name={LOOKS.evidence[state].mark} color={LOOKS.evidence[state].color} />
          ))}
        </div>
      ))}
    </div>
  );
}
