/** Which part of the page is open, by its address: `#devices`, or the site with `#unit=…` or `#alarm=…`. */
import type { Role } from "@shared/api/types";
import { DEVICE_ROLES } from "@shared/react/bar";
import { useSyncExternalStore } from "react";
import { useSite } from "./site";

export type Place = "site" | "devices";

function onHashChange(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** Whether one of the person's roles is among these. */
export function useHasRole(roles: readonly Role[]): boolean {
  return useSite((state) => state.session?.person.roles.some((role) => roles.includes(role)) ?? false);
}

/** The open part; who may not see the devices stays with the site. */
export function usePlace(): Place {
  const hash = useSyncExternalStore(onHashChange, () => window.location.hash);
  const maySee = useHasRole(DEVICE_ROLES);
  return hash === "#devices" && maySee ? "devices" : "site";
}

/** Brings the part to the front; the site, before something in it is shown. */
export function showPlace(place: Place): void {
  if (place === "devices" || window.location.hash === "#devices") window.location.hash = place;
}
