import { ApiClient } from "@shared/api/client";
import type { DeviceFamily, Mount } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { aLayout } from "../model/builders";
import { siteFrame } from "../model/frame";
import { useSite } from "../state/site";
import { aDevice } from "./builders";
import { EnrolDeviceDialog, freeMounts } from "./enrol_device_dialog";
import { InviteDialog } from "./invite_dialog";

const MOUNTS = ["reader-1", "reader-2", "reader-3"].map(
  (mount_id): Mount => ({ mount_id, family: "mqtt_reader", serves: "gate-1", x_mm: 0, y_mm: 0, z_mm: 0, rotation_deg: 0 }),
);
const FAMILY: DeviceFamily = { family: "mqtt_reader", name_en: "Mobile reader", name_zh: "移动读写器", has_credential: true, parameters: [] };
const TAKEN = aDevice({ device_id: "a", family: "mqtt_reader", mount_id: "reader-1" });
const GONE = aDevice({ device_id: "b", family: "mqtt_reader", mount_id: "reader-2", retired_at: "2026-11-22T03:00:00Z" });

beforeEach(() => {
  i18n.setLocale("en");
  useSite.setState({ frame: siteFrame(aLayout({ mounts: MOUNTS })), lots: new Map() });
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

/** Chooses in one of the component library's lists. */
async function choose(label: RegExp, option: string) {
  fireEvent.mouseDown(await screen.findByLabelText(label));
  fireEvent.click(await screen.findByText((_, element) => element?.className.includes("option-content") === true && element.textContent!.startsWith(option)));
}

test("a mount is free while no device in service hangs there", () => {
  expect(freeMounts(MOUNTS, [TAKEN, GONE], "mqtt_reader").map((mount) => mount.mount_id)).toEqual(["reader-2", "reader-3"]);
  expect(freeMounts(MOUNTS, [], "llrp")).toEqual([]);
  expect(freeMounts(MOUNTS, [TAKEN], "mqtt_reader", TAKEN).map((mount) => mount.mount_id)).toContain("reader-1");
});

test("a device is enrolled at a free mount under its name, and its secret is shown once", async () => {
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue([FAMILY] as never);
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({ device_id: "reader-2", site_id: "site-1", secret: "s3cret" } as never);
  render(<Page><EnrolDeviceDialog path="/sites/site-1" devices={[TAKEN, GONE]} known={null} onClose={vi.fn()} onDone={vi.fn()} /></Page>);
  await choose(/^Kind of device/, "Mobile reader · 2 free mounts");
  await choose(/^Mount/, "reader-2");
  fireEvent.click(screen.getByRole("button", { name: "Enrol" }));
  expect((await screen.findByTestId("credential")).textContent).toBe("s3cret");
  expect(post).toHaveBeenCalledWith("/sites/site-1/devices", { device_id: "reader-2", family: "mqtt_reader", mount_id: "reader-2", subject_ref: null, connection: {} });
});

test("a name that a device has, in service or not, is refused before it is sent", async () => {
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue([FAMILY] as never);
  render(<Page><EnrolDeviceDialog path="/sites/site-1" devices={[TAKEN, GONE]} known={null} onClose={vi.fn()} onDone={vi.fn()} /></Page>);
  await choose(/^Kind of device/, "Mobile reader · 2 free mounts");
  for (const device of [TAKEN, GONE]) {
    fireEvent.change(screen.getByLabelText(/^Device/), { target: { value: device.device_id } });
    expect(screen.getByRole("alert").textContent).toContain(`There is a device ${device.device_id}`);
    expect(screen.getByRole("button", { name: "Enrol" }).hasAttribute("disabled")).toBe(true);
  }
});

test("each field that breaks a rule says so at once", async () => {
  const host = { name: "host", type: "text", required: true, text: "", default: null, unit: "", minimum: null, maximum: null, choices: [], is_host: true } as const;
  const port = { ...host, name: "port", type: "integer", minimum: 1, maximum: 65535, is_host: false } as const;
  const family: DeviceFamily = { ...FAMILY, parameters: [{ ...host, choices: [] }, { ...port, choices: [] }] };
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue([family] as never);
  render(<Page><EnrolDeviceDialog path="/sites/site-1" devices={[]} known={null} onClose={vi.fn()} onDone={vi.fn()} /></Page>);
  await choose(/^Kind of device/, "Mobile reader · 3 free mounts");
  for (const [label, text] of [[/^Device/, "reader 2"], [/^Address/, "http://x/"], [/^Port/, "70000"]] as const) {
    fireEvent.change(screen.getByLabelText(label), { target: { value: text } });
  }
  expect(screen.getAllByRole("alert").map((one) => one.textContent)).toEqual([
    "must be: 1 to 64 letters (A–Z), digits, dots, dashes or underscores",
    "must be: a host name or address",
    "must be: 1 to 65535",
  ]);
});

test("a name that no device may have is refused before it is sent", async () => {
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue([FAMILY] as never);
  render(<Page><EnrolDeviceDialog path="/sites/site-1" devices={[]} known={null} onClose={vi.fn()} onDone={vi.fn()} /></Page>);
  await choose(/^Kind of device/, "Mobile reader · 3 free mounts");
  for (const name of ["reader 2", "gate/2", "读写器"]) {
    fireEvent.change(screen.getByLabelText(/^Device/), { target: { value: name } });
    expect(screen.getByRole("alert").textContent).toContain("letters (A–Z), digits, dots");
    expect(screen.getByRole("button", { name: "Enrol" }).hasAttribute("disabled")).toBe(true);
  }
  fireEvent.change(screen.getByLabelText(/^Device/), { target: { value: "reader_2.b" } });
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a kind without a free mount says whether the layout has none or all are taken", async () => {
  const scale: DeviceFamily = { ...FAMILY, family: "mt_sics", name_en: "Scale" };
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue([FAMILY, scale] as never);
  const devices = MOUNTS.map(({ mount_id }) => ({ ...TAKEN, device_id: mount_id, mount_id }));
  render(<Page><EnrolDeviceDialog path="/sites/site-1" devices={devices} known={null} onClose={vi.fn()} onDone={vi.fn()} /></Page>);
  await choose(/^Kind of device/, "Mobile reader · all mounts are taken");
  await choose(/^Kind of device/, "Scale · no mount in the layout");
  expect(screen.getByText(/^The layout has no free mount of this kind/)).toBeTruthy();
});

test("a device is enrolled anew from its present place and connection", async () => {
  const host = { name: "host", type: "text", required: true, text: "", default: null, unit: "", minimum: null, maximum: null, choices: [] } as const;
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue([{ ...FAMILY, parameters: [host] }] as never);
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({ device_id: "a", site_id: "site-1", secret: "s3cret" } as never);
  const known = { ...TAKEN, subject_ref: "truck-1", connection: { host: "10.0.0.7" } };
  render(<Page><EnrolDeviceDialog path="/sites/site-1" devices={[known]} known={known} onClose={vi.fn()} onDone={vi.fn()} /></Page>);
  await screen.findByDisplayValue("10.0.0.7");
  screen.getByText(/banks' acceptance of it ends/);
  fireEvent.click(screen.getByRole("button", { name: "Enrol anew" }));
  await screen.findByTestId("credential");
  const body = { device_id: "a", family: "mqtt_reader", mount_id: "reader-1", subject_ref: "truck-1", connection: { host: "10.0.0.7" } };
  expect(post).toHaveBeenCalledWith("/sites/site-1/devices", body);
});

test("a bank is invited by its name, and those invited already are listed and not offered again", async () => {
  const answers: Record<string, unknown[]> = {
    "/banks": [{ party_id: "bank-a", kind: "bank", name: "Bank A" }, { party_id: "bank-b", kind: "bank", name: "Bank B" }],
    "/sites/site-1/inspectors": [{ party_id: "bank-a", name: "Bank A", since: "2026-11-20T02:00:00Z" }],
  };
  vi.spyOn(ApiClient.prototype, "list").mockImplementation((path: string) => Promise.resolve(answers[path] as never));
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue(undefined as never);
  render(<Page><InviteDialog path="/sites/site-1" onClose={vi.fn()} /></Page>);
  expect(within(await screen.findByTestId("invited")).getByText(/Bank A/)).toBeTruthy();
  await choose(/^Bank/, "Bank B");
  fireEvent.click(screen.getByRole("button", { name: "Invite" }));
  expect(post).toHaveBeenCalledWith("/sites/site-1/inspectors", { party_id: "bank-b" });
});
