import type { FacilityDetail, Session, Unvouched } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SessionContext } from "../parts/session";
import { VouchingNote } from "./vouching_note";

const READER: Unvouched = {
  device_id: "gate-1-reader",
  is_evidence: true,
  accepted_by: ["Bank B"],
  ended_at: "2026-11-22T03:00:00Z",
  end_cause: "enrolled",
};

function show(unvouched: Unvouched[] | null, partyId = "bank-a") {
  const session: Session = {
    person: { person_id: "p-1", username: "officer-a", display_name: "Officer", roles: ["officer"], locale: "en" },
    party: { party_id: partyId, kind: "bank", name: "Bank A" },
    csrf_token: "t",
    expires_at: "2026-11-23T12:00:00Z",
    sites: [],
  };
  render(
    <Page>
      <SessionContext value={session}>
        <VouchingNote facility={{ bank_party_id: "bank-a", unvouched } as FacilityDetail} />
      </SessionContext>
    </Page>,
  );
  return screen.queryByTestId("vouching-note")?.textContent ?? null;
}

beforeEach(() => i18n.setLocale("en"));
afterEach(cleanup);

test("a bank reads which device stops its money, who accepted it, and why its own acceptance ended", () => {
  const text = show([READER]);
  expect(text).toContain("No money moves");
  expect(text).toContain("gate-1-reader · accepted by Bank B · your acceptance ended: it was enrolled anew");
});

test("a bank reads that its acceptance ended with a new key that another bank gave", () => {
  expect(show([{ ...READER, end_cause: "rekeyed" }])).toContain("another bank gave it a new key");
});

test("a device that nobody vouches for any more stops no money by itself", () => {
  expect(show([{ ...READER, is_evidence: false, accepted_by: [] }])).toContain("no longer vouches");
});

test("a bank that nobody invited is told so; a bank that vouches for all, and the borrower, are told nothing", () => {
  expect(show(null)).toContain("has not invited your bank");
  cleanup();
  expect(show([])).toBeNull();
  cleanup();
  expect(show(null, "owner-a")).toBeNull();
});
