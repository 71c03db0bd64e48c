import type { Role, SignedIn } from "@shared/api/types";

const BANK_ROLES: Role[] = ["officer", "approver", "borrower", "auditor"];

/** The page a person's work is on. */
export function homeOf(session: SignedIn): string {
  const { roles } = session.person;
  if (roles.some((role) => BANK_ROLES.includes(role))) return "/bank/";
  return roles.length === 1 && roles[0] === "picker" ? "/pda/" : "/viewer/";
}

/**
 * Where to go after signing in: `next` when it is a path of this origin, else the person's home.
 *
 * A `next` that names another origin ("//elsewhere", "https:…", "/\elsewhere") is never followed.
 */
export function destination(next: string | null, session: SignedIn, origin: string): string {
  if (next === null || !/^\/[^/\\]/.test(next)) return homeOf(session);
  const address = new URL(next, origin);
  return address.origin === origin ? address.pathname + address.search + address.hash : homeOf(session);
}
