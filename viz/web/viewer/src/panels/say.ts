import type { Facts } from "@shared/api/types";
import { i18n } from "@shared/react/page";

/**
 * A sentence the server names by key. A server newer than this page may name a key the page does not know: then the
 * text of `otherwise` is said, and at last `otherwise` itself.
 */
export function say(textKey: string, facts: Facts, otherwise: string): string {
  if (i18n.has(textKey)) return i18n.t(textKey, facts);
  return i18n.t(otherwise, facts);
}
