import { ApiClient, ApiProblem } from "@shared/api/client";
import type { Device, DeviceOrder, EnrolmentCode, QuarantineRow, Role, Session } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { aLayout } from "../model/builders";
import { siteFrame } from "../model/frame";
import { useSite } from "../state/site";
import { aDevice, anOrder, aQuarantineRow } from "./builders";
import DevicesPage from "./devices_page";
import { EnrolDialog } from "./enrol_dialog";

const HANDHELD = "pda_01M8BZRRPDWXZYYFTDT4DQTY12";
const NEW_HANDHELD = "pda_01M8BZRRPDWXZYYFTDT4TQTY13";
const CODE: EnrolmentCode = {
  enrolment_code: "NDR8785T7A97",
  device_id: NEW_HANDHELD,
  url: "/pda/?enrol=NDR8785T7A97",
  expires_at: new Date(Date.now() + 15 * 60_000).toISOString(),
};

function sessionOf(...roles: Role[]): Session {
  const person = { person_id: "p", username: "keeper-a", display_name: "Keeper A", roles, locale: "en" as const };
  const party = { party_id: "keeper-a", kind: "keeper" as const, name: "Keeper A" };
  return { person, party, csrf_token: "t", expires_at: "2026-11-23T12:00:00Z", sites: [] };
}

/** What the server has; the lists are read anew from it each time. */
let devices: Device[];
let quarantine: QuarantineRow[];
let orders: DeviceOrder[];

beforeEach(() => {
  devices = [aDevice(), aDevice({ device_id: HANDHELD, family: "pda", state: "gap", missing_count: 2, quarantined: 1 })];
  quarantine = [];
  orders = [];
  vi.spyOn(ApiClient.prototype, "list").mockImplementation(() => Promise.resolve(devices as never));
  vi.spyOn(ApiClient.prototype, "get").mockImplementation((path: string) =>
    Promise.resolve({ items: path.endsWith("/device-orders") ? orders : quarantine, next_cursor: null } as never),
  );
  const site = { site_id: "site-1", name_en: "Site one", name_zh: "一号库" };
  useSite.setState({ frame: siteFrame(aLayout()), site, session: sessionOf("keeper"), clockOffsetMs: 0 });
  i18n.setLocale("en");
});

afterEach(cleanup);

const open = () => render(<Page><DevicesPage /></Page>);

test("devices that want a person stand first, by the names that people use", async () => {
  open();
  const rows = await screen.findAllByRole("row");
  expect(within(rows[1]!).getByText("Handheld DQTY12")).toBeTruthy();
  expect(within(rows[1]!).getByText("Numbers missing")).toBeTruthy();
  expect(within(rows[2]!).getByText("UHF RFID reader")).toBeTruthy();
  expect(await screen.findByText("Nothing in quarantine")).toBeTruthy();
});

test("a site without devices says how they come", async () => {
  devices = [];
  open();
  expect(await screen.findByText("No device is enrolled on this site")).toBeTruthy();
});

test("quarantine tells who sent what and which rule it breaks; a stranger is told from a device", async () => {
  quarantine = [
    aQuarantineRow({ quarantine_id: "q1", times: 3 }),
    aQuarantineRow({ quarantine_id: "q2", device_id: "who-is-this", field: "device_id", rule: "an enrolled device", boot: null, sequence: null, is_stranger: true }),
    aQuarantineRow({ quarantine_id: "q3" }),
    aQuarantineRow({ quarantine_id: "q4", device_id: "*", field: "X-Device-Token", rule: "not retired", is_stranger: true }),
  ];
  open();
  const list = within(await screen.findByTestId("quarantine"));
  expect(await list.findAllByText("must be: at most 5 minutes ahead of our clock")).toHaveLength(2);
  expect(list.getByText("must be: a device that is enrolled")).toBeTruthy();
  expect(list.getByText("many others")).toBeTruthy();
  expect(list.getAllByText("not enrolled here")).toHaveLength(2);
});

test("the count of a device's quarantined readings shows those alone", async () => {
  quarantine = [aQuarantineRow(), aQuarantineRow({ quarantine_id: "q2", device_id: HANDHELD })];
  open();
  const list = within(await screen.findByTestId("quarantine"));
  expect(await list.findAllByText("Time of reading")).toHaveLength(2);
  fireEvent.click(screen.getByRole("button", { name: "1" }));
  expect(list.getAllByText("Time of reading")).toHaveLength(1);
  fireEvent.click(list.getByText("Only Handheld DQTY12"));
  expect(list.getAllByText("Time of reading")).toHaveLength(2);
});

test("an operator reads the devices and changes none", async () => {
  useSite.setState({ session: sessionOf("operator") });
  open();
  expect(await screen.findByText("gate-1-reader")).toBeTruthy();
  expect(screen.queryByText("Enrol a handheld")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Actions for gate-1-reader" }));
  expect((await screen.findAllByRole("menuitem")).map((item) => item.textContent)).toEqual(["History"]);
});

test("the keeper gets a code to scan or to read out", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue(CODE);
  open();
  fireEvent.click(await screen.findByText("Enrol a handheld"));
  expect((await screen.findByTestId("enrolment-code")).textContent).toBe("NDR8 785T 7A97");
  expect(post.mock.calls[0]?.slice(0, 2)).toEqual(["/sites/site-1/devices/pda/enrolment-codes", { device_id: null }]);
  expect(screen.getByText(/Good for one handheld, for 15 more minutes/)).toBeTruthy();
  expect(document.querySelector(".ant-qrcode svg")).toBeTruthy();
});

test("the code gives way to the name of the handheld once that is enrolled", async () => {
  vi.spyOn(ApiClient.prototype, "post").mockResolvedValue(CODE);
  const dialog = (known: Device[]) => (
    <Page>
      <EnrolDialog path="/sites/site-1" deviceId={null} devices={known} zone="Asia/Shanghai" onClose={() => undefined} />
    </Page>
  );
  const { rerender } = render(dialog([aDevice()]));
  expect(await screen.findByTestId("enrolment-code")).toBeTruthy();
  rerender(dialog([aDevice(), aDevice({ device_id: NEW_HANDHELD, family: "pda", state: "never" })]));
  expect(screen.getByText("Handheld TQTY13 is enrolled")).toBeTruthy();
  expect(screen.queryByTestId("enrolment-code")).toBeNull();
});

test("a code that has expired cannot be read any more, and another one can be had", async () => {
  const expired = { ...CODE, expires_at: new Date(Date.now() - 1000).toISOString() };
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue(expired);
  open();
  fireEvent.click(await screen.findByText("Enrol a handheld"));
  expect(await screen.findByText("This code has expired. Make another one.")).toBeTruthy();
  expect(screen.queryByTestId("enrolment-code")).toBeNull();
  fireEvent.click(screen.getByText("Refresh"));
  await waitFor(() => expect(post).toHaveBeenCalledTimes(2));
});

test("a refused code says why where it was asked for", async () => {
  const refusal = new ApiProblem({ type: "", title: "", status: 404, key: "site.unknown" });
  vi.spyOn(ApiClient.prototype, "post").mockRejectedValue(refusal);
  open();
  fireEvent.click(await screen.findByText("Enrol a handheld"));
  expect(await screen.findByText("There is no such site, or you may not see it.")).toBeTruthy();
});

test("a list that cannot be read says so in its place", async () => {
  vi.spyOn(ApiClient.prototype, "list").mockRejectedValue(new ApiProblem({ type: "", title: "", status: 503, key: "database.unavailable" }));
  open();
  expect(await screen.findByText(/The database does not answer/)).toBeTruthy();
});

test("taking a device out of service asks once more and says what it means", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue(undefined);
  open();
  fireEvent.click(await screen.findByRole("button", { name: "Actions for gate-1-reader" }));
  fireEvent.click(await screen.findByText("Take out of service"));
  expect(await screen.findByText("Take gate-1-reader out of service?")).toBeTruthy();
  expect(post).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole("button", { name: "Take out of service" }));
  await waitFor(() => expect(post).toHaveBeenCalledWith("/devices/gate-1-reader/retire"));
});

test("a person has a signal show red and says why; the order goes with what was picked", async () => {
  devices = [aDevice({ device_id: "signal-1", family: "modbus_signal", orders: { show: { aspect: ["off", "red"] } } })];
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({ command_id: "c" } as never);
  open();
  fireEvent.click(await screen.findByRole("button", { name: "Actions for signal-1" }));
  fireEvent.click(await screen.findByText("Give an order"));
  const give = await screen.findByRole<HTMLButtonElement>("button", { name: "Give the order" });
  expect(give.disabled).toBe(true);
  fireEvent.click(screen.getByLabelText("Show red"));
  fireEvent.change(screen.getByLabelText("Why?"), { target: { value: "the lane is wet" } });
  fireEvent.click(give);
  const order = { action: "show", parameters: { aspect: "red" }, reason: "the lane is wet" };
  await waitFor(() => expect(post).toHaveBeenCalledWith("/devices/signal-1/orders", order));
});

test("orders say who wanted what and what became of it", async () => {
  orders = [
    anOrder({ number: 2, device_id: "boom-1", action: "open", cause: "exit_agreed", state: "failed", failure: "unreachable" }),
    anOrder(),
  ];
  open();
  const list = within(await screen.findByTestId("device-orders"));
  const rows = (await list.findAllByRole("row")).map((row) => row.textContent ?? "");
  expect(rows[1]).toContain("What leaves agrees with its release");
  expect(rows[1]).toContain("boom-1 does not answer");
  expect(rows[2]).toContain("“an empty pallet stands on it”");
});
