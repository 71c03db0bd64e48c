/** Who is signed in, for any part of the console. */

import type { Session } from "@shared/api/types";
import { createContext, useContext } from "react";

export const SessionContext = createContext<Session | null>(null);

/** The session in force. Only inside the console, which draws nothing without one. */
export function useSignedIn(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("useSignedIn is for parts inside the console");
  return session;
}
