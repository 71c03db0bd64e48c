import { ApiClient } from "@shared/api/client";
import type { Device, Role, Session, Tare } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionContext } from "../parts/session";
import { DevicesPage } from "./devices_page";
import { reachedAt } from "./reached";

function aDevice(changes: Partial<Device> = {}): Device {
  return {
    device_id: "gate-1-reader",
    family: "llrp",
    family_name_en: "UHF RFID reader",
    family_name_zh: "超高频 RFID 读写器",
    mount_id: "gate-1-reader",
    subject_ref: null,
    state: "online",
    last_seen_at: "2026-11-23T05:59:50Z",
    clock_skew_ms: 0,
    error_count: 0,
    quarantined: 0,
    missing_count: 0,
    retired_at: null,
    connection: { host: "10.0.0.7", port: 5084 },
    enrolment: 3,
    enrolled_at: "2026-11-20T02:00:00Z",
    enrolled_by: "Keeper A",
    acceptance: "accepted",
    accepted_at: "2026-11-20T03:00:00Z",
    accepted_by: "Bank A",
    acceptances: [{ party: "Bank A", accepted_at: "2026-11-20T03:00:00Z", is_own: true }],
    key_held_by: null,
    error_rate: 0.002,
    tier: "gold",
    calibrated_until: "2027-06-30",
    orders: {},
    ...changes,
  };
}

const WAITING = aDevice({ device_id: "fork-2", acceptance: "waiting", accepted_at: null, accepted_by: null, acceptances: [] });
const OTHERS = aDevice({ device_id: "fork-3", acceptances: [{ party: "Bank B", accepted_at: "2026-11-20T03:00:00Z", is_own: false }] });

const TARE: Tare = {
  tare_id: "tare-1",
  vehicle_id: "vehicle-1",
  plate: "赣A88888",
  mass_g: 12_000_000,
  document: "Licence 3601",
  proposed_by: "Keeper A",
  proposed_at: "2026-11-22T03:00:00Z",
  answers: [],
  ended_at: null,
  end_cause: null,
  end_reason: null,
  ended_by: null,
  stays: [{ visit_id: "v-1", entry_mass_g: 15_500_000, exit_mass_g: 12_100_000, admitted_at: "2026-11-21T03:00:00Z", left_at: "2026-11-21T05:00:00Z", left_refused: true }],
};

function show(role: Role, devices: readonly Device[], tares: readonly Tare[] = []) {
  const session: Session = {
    person: { person_id: "p-1", username: `${role}-a`, display_name: role, roles: [role], locale: "en" },
    party: { party_id: "bank-a", kind: role === "borrower" ? "owner" : "bank", name: "Bank A" },
    csrf_token: "t",
    expires_at: "2026-11-23T12:00:00Z",
    sites: [],
  };
  const invited = { site_id: "site-a", name_en: "Harbour", name_zh: "港口" };
  const answers: Record<string, readonly unknown[]> = { "/inspected-sites": [invited], "/sites/site-a/devices": devices, "/sites/site-a/tares": tares };
  vi.spyOn(ApiClient.prototype, "list").mockImplementation((path: string) => Promise.resolve([...(answers[path] ?? [])] as never));
  return render(
    <Page>
      <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
        <SessionContext value={session}>
          <DevicesPage />
        </SessionContext>
      </QueryClientProvider>
    </Page>,
  );
}

beforeEach(() => i18n.setLocale("en"));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

test("the sites that invited the bank show the devices that wait first, with who enrolled them", async () => {
  show("officer", [aDevice(), WAITING]);
  const rows = (await screen.findAllByRole("row")).slice(-2).map((row) => row.textContent ?? "");
  expect(rows[0]).toContain("fork-2");
  expect(rows[0]).toContain("Not accepted");
  expect(rows[1]).toContain("Bank A");
  expect(screen.getAllByText("1 device waits for acceptance")).toHaveLength(1);
});

test("a device that another bank accepted waits for this one, and says whose acceptance it has", async () => {
  show("officer", [aDevice(), OTHERS]);
  const [first] = (await screen.findAllByRole("row")).slice(-2).map((row) => row.textContent ?? "");
  expect(first).toContain("fork-3");
  expect(first).toContain("Not accepted");
  expect(first).toContain("Bank B");
  expect(screen.getByRole("button", { name: "Accept" })).toBeTruthy();
});

test("a device out of service is shown as such, last, and nobody is asked to accept it", async () => {
  show("officer", [aDevice({ device_id: "a-gone", retired_at: "2026-11-22T03:00:00Z", state: "retired" }), aDevice()]);
  const last = (await screen.findAllByRole("row")).at(-1)?.textContent ?? "";
  expect(last).toContain("a-gone");
  expect(last).toContain("Out of service");
  expect(screen.getAllByRole("button", { name: "Withdraw" })).toHaveLength(1);
});

test("an officer accepts what was looked at and is shown the credential once", async () => {
  const listed = [WAITING];
  const post = vi.spyOn(ApiClient.prototype, "post").mockImplementation(() => {
    listed[0] = aDevice({ device_id: "fork-2" });
    return Promise.resolve({ device_id: "fork-2", site_id: "site-a", secret: "s3cret" } as never);
  });
  show("officer", listed);
  fireEvent.click(await screen.findByRole("button", { name: "Accept" }));
  fireEvent.click((await screen.findAllByRole("button", { name: "Accept" })).at(-1)!);
  expect((await screen.findByTestId("credential")).textContent).toBe("s3cret");
  await waitFor(() => expect(screen.queryByText("Not accepted")).toBeNull());
  expect(screen.getByTestId("credential").textContent).toBe("s3cret");
  expect(post).toHaveBeenCalledWith("/devices/fork-2/accept", { enrolment: 3 });
});

test("a bank is told, in the list and before it accepts, that another holds the device's key", async () => {
  show("officer", [{ ...OTHERS, key_held_by: "Bank B" }]);
  await screen.findByText("Key held by Bank B");
  fireEvent.click(await screen.findByRole("button", { name: "Accept" }));
  await screen.findByText(/^Bank B made this device's key/);
});

test("an auditor looks and is offered nothing; a borrower is told that this is not theirs", async () => {
  show("auditor", [WAITING]);
  await screen.findByText("fork-2");
  expect(screen.queryByRole("button", { name: "Accept" })).toBeNull();
  cleanup();
  show("borrower", [WAITING]);
  await screen.findByText("Your role does not include the devices");
});

test("a stated empty mass is shown with what the vehicle weighed here, and an officer approves it", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({} as never);
  show("officer", [aDevice()], [TARE]);
  await screen.findByText("1 waits for your answer");
  expect(screen.getByText("12.1 t at the least")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "Approve" }));
  await screen.findByText("Approve 12 t as the empty mass of 赣A88888?");
  expect(screen.getByText("past a refusal of the gate")).toBeTruthy();
  fireEvent.click(screen.getAllByRole("button", { name: "Approve" }).at(-1)!);
  await waitFor(() => expect(post).toHaveBeenCalledWith("/tares/tare-1/approve", {}));
});

test("a bank withdraws an empty mass that it approved, and one that refused has answered", async () => {
  const answer = { party: "Bank A", is_own: true, is_approved: true, reason: "", answered_at: "2026-11-22T04:00:00Z" };
  const refused = { ...answer, is_approved: false, reason: "Of another lorry" };
  show("approver", [aDevice()], [{ ...TARE, answers: [answer] }, { ...TARE, tare_id: "tare-2", answers: [refused] }]);
  await screen.findByText("Bank A refused it: Of another lorry");
  expect(screen.getAllByRole("button", { name: "Withdraw" })).toHaveLength(1);
  expect(screen.queryByRole("button", { name: "Approve" })).toBeNull();
});

test("an auditor sees stated empty masses and answers none", async () => {
  show("auditor", [aDevice()], [TARE]);
  await screen.findByText("赣A88888");
  expect(screen.queryByRole("button", { name: "Approve" })).toBeNull();
});

test("a device is told by where it is reached", () => {
  expect(reachedAt(aDevice())).toBe("10.0.0.7:5084");
  expect(reachedAt(aDevice({ connection: { gateway: "gw-1", node: "a1" } }))).toBe("gw-1 / a1");
  expect(reachedAt(aDevice({ connection: {} }))).toBe("");
});
