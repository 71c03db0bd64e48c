import type { Role, Session } from "@shared/api/types";
import { expect, test } from "vitest";
import { destination } from "./next";

const ORIGIN = "https://twin.example";

function sessionOf(...roles: Role[]): Session {
  return {
    person: { person_id: "person_1", username: "officer-a", display_name: "officer-a", roles, locale: "en" },
    party: { party_id: "party_1", kind: "bank", name: "Bank A" },
    csrf_token: "",
    expires_at: "2026-11-23T12:00:00Z",
    sites: [],
  };
}

test("a path of this origin is where the person goes on", () => {
  expect(destination("/bank/facilities/f1?tab=loans", sessionOf("officer"), ORIGIN)).toBe(
    "/bank/facilities/f1?tab=loans",
  );
});

test.each(["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""])(
  "the address %s is not followed",
  (next) => {
    expect(destination(next, sessionOf("operator"), ORIGIN)).toBe("/viewer/");
  },
);

test.each([
  [["officer"], "/bank/"],
  [["borrower"], "/bank/"],
  [["picker"], "/pda/"],
  [["picker", "operator"], "/viewer/"],
  [["keeper"], "/viewer/"],
] as [Role[], string][])("the home of %s is %s", (roles, home) => {
  expect(destination(null, sessionOf(...roles), ORIGIN)).toBe(home);
});
