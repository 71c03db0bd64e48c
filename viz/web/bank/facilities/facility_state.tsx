/** Whether a facility is open, frozen or closed. */

import type { Facility } from "@shared/api/types";
import { StateTag } from "../parts/parts";

export function FacilityState({ facility }: { facility: Pick<Facility, "state"> }) {
  return (
    <span data-testid={`facility-${facility.state}`}>
      <StateTag state={facility.state} />
    </span>
  );
}
