/** Which part of the page is open, by its address: `#devices`, `#shipping`, or the site with `#unit=…` or `#alarm=…`. */
import type { Role } from "@shared/api/types";
import { DEVICE_ROLES, SHIPPING_ROLES } from "@shared/react/bar";
import { useSyncExternalStore } from "react";
import { useSite } from "./site";

export type Place = "site" | "devices" | "shipping";

function onHashChange(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

/** Whether one of the person's roles is among these. */
export function useHasRole(roles: readonly Role[]): boolean {
  return useSite((state) => state.session?.person.roles.some((role) => roles.includes(role)) ?? false);
}

/** The open part; who may not see it stays with the site. */
export function usePlace(): Place {
  const hash = useSyncExternalStore(onHashChange, () => window.location.hash);
  const maySeeDevices = useHasRole(DEVICE_ROLES);
  const mayShip = useHasRole(SHIPPING_ROLES);
  if (hash === "#devices" && maySeeDevices) return "devices";
  return hash === "#shipping" && mayShip ? "shipping" : "site";
}

/** Brings the part to the front; the site, before something in it is shown. */
export function showPlace(place: Place): void {
  if (place !== "site" || ["#devices", "#shipping"].includes(window.location.hash)) window.location.hash = place;
}
