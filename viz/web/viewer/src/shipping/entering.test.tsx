import { ApiClient } from "@shared/api/client";
import { i18n, Page } from "@shared/react/page";
import type { Role, Session, Visit } from "@shared/api/types";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useSite } from "../state/site";
import { AnnounceDialog } from "./announce_dialog";
import { ItemDialog } from "./item_dialog";
import { OrderDialog } from "./order_dialog";
import { StateTareDialog } from "./state_tare_dialog";
import { VisitDialog } from "./visit_dialog";
import { VisitsTable } from "./visits_table";

beforeEach(() => {
  i18n.setLocale("en");
  useSite.setState({ lots: new Map() });
  const answers: Record<string, unknown[]> = {
    "/skus": [{ sku: "CU-1", name_en: "Copper", name_zh: "铜", unit_mass_g: 1000, handling: "" }],
    "/owners": [{ party_id: "owner-a", kind: "owner", name: "Owner A" }],
    "/sites/site-1/free-stock": [
      { owner_party_id: "owner-a", sku: "CU-1", free_each: 100 },
      { owner_party_id: "owner-b", sku: "CU-1", free_each: 70 },
    ],
    "/sites/site-1/visits": [],
  };
  vi.spyOn(ApiClient.prototype, "list").mockImplementation((path: string) => Promise.resolve(answers[path] as never));
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const rest = { path: "/sites/site-1", onClose: () => undefined, onDone: () => undefined };

function type(label: RegExp | string, value: string) {
  const field = screen.getByLabelText(label);
  fireEvent.focus(field);
  fireEvent.change(field, { target: { value } });
  fireEvent.blur(field);
}

test("an item that the catalogue does not have is refused before its order is sent", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({} as never);
  const { container } = render(<Page><OrderDialog {...rest} /></Page>);
  await vi.waitFor(() => expect(container.ownerDocument.querySelector("datalist option")).toBeTruthy());
  type(/^Reference/, "SO-1");
  type(/^Customer/, "Shop");
  type("SKU 1", "CU-2");
  type("Pieces 1", "4");
  expect(screen.getByText("Line 1, SKU: must be an item of the catalogue")).toBeTruthy();
  const place = screen.getByRole("button", { name: "Place the order" });
  expect(place.hasAttribute("disabled")).toBe(true);
  type("SKU 1", "cu-1");
  expect(screen.getByText("Free here: CU-1 170")).toBeTruthy();
  expect(container.ownerDocument.querySelector("datalist option")!.textContent).toBe("CU-1 · Copper · 170 free");
  type("Pieces 1", "1e3");
  expect(screen.getByText(/^Line 1, Pieces: must be a whole number of pieces/)).toBeTruthy();
  type("Pieces 1", "4");
  fireEvent.click(place);
  await vi.waitFor(() => expect(post).toHaveBeenCalled());
});

test("what is free for an order is that of the owner who was chosen", async () => {
  render(<Page><OrderDialog {...rest} /></Page>);
  type("SKU 1", "cu-1");
  expect(await screen.findByText("Free here: CU-1 170")).toBeTruthy();
  fireEvent.mouseDown(screen.getByLabelText(/^Owner/));
  fireEvent.click(await screen.findByTitle("Owner A"));
  expect(await screen.findByText("Free here: CU-1 100")).toBeTruthy();
});

test("of a delivery every wrong code is marked, and the first is told with its rule", () => {
  render(<Page><AnnounceDialog {...rest} /></Page>);
  type("SSCC 1", "123");
  type("SSCC 2", "369012340000000123");
  type(/^Tag .* 1$/, "3174257BF4499602D2");
  type(/^Tag .* 2$/, "3174257BF4499602D2000000");
  expect(screen.getByText("Line 1, SSCC: must be 18 digits with a right check digit")).toBeTruthy();
  const marked = ["SSCC 1", /^Tag .* 1$/, /^Tag .* 2$/].map((label) => screen.getByLabelText(label));
  expect(marked.map((cell) => cell.title)).toEqual(["18 digits with a right check digit", "24 hexadecimal characters", "the tag of the pallet's own SSCC"]);
  expect([...marked, screen.getByLabelText("SSCC 2")].map((cell) => cell.getAttribute("aria-invalid"))).toEqual(["true", "true", "true", "false"]);
  type(/^Tag .* 2$/, "34258000000000000000002A");
  expect(screen.getByLabelText(/^Tag .* 2$/).getAttribute("aria-invalid")).toBe("false");
});

test("a windscreen tag that is none is told its rule once it is left", () => {
  render(<Page><AnnounceDialog {...rest} /></Page>);
  const tag = screen.getByLabelText(/^Windscreen tag/);
  fireEvent.focus(tag);
  fireEvent.change(tag, { target: { value: "3425" } });
  expect(screen.queryByText("must be: 24 hexadecimal characters")).toBeNull();
  fireEvent.blur(tag);
  expect(screen.getByText("must be: 24 hexadecimal characters")).toBeTruthy();
});

test("a mass is typed in digits", () => {
  render(<Page><ItemDialog {...rest} /></Page>);
  type(/^Mass of a piece/, "1e3");
  expect(screen.getByText("must be: a mass in kg, in digits")).toBeTruthy();
});

test("an item's code with a blank is refused before it is sent", () => {
  render(<Page><ItemDialog {...rest} /></Page>);
  type(/^SKU/, "bad sku!");
  expect(screen.getByText("must be: 1 to 32 characters without blanks or quotes")).toBeTruthy();
});

test("a pallet's tag is refused as that of a vehicle before it is sent", () => {
  render(<Page><VisitDialog {...rest} /></Page>);
  type(/^Plate/, "A1");
  type(/^Windscreen tag/, "3174257BF4499602D2000000");
  expect(screen.getByText(/^This tag is that of goods/)).toBeTruthy();
  expect(screen.getByRole("button", { name: "Expect it" }).hasAttribute("disabled")).toBe(true);
  type(/^Windscreen tag/, "34258000000000000000002A");
  expect(screen.getByRole("button", { name: "Expect it" }).hasAttribute("disabled")).toBe(false);
});

test("an empty mass is stated in grams, with the document that it rests on", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({} as never);
  render(<Page><StateTareDialog {...rest} visit={{ vehicle_id: "v-1", plate: "A1" }} /></Page>);
  const state = screen.getByRole("button", { name: "State it" });
  type(/^Empty mass/, "twelve");
  expect(screen.getByText("must be: a mass in kg, in digits")).toBeTruthy();
  type(/^Empty mass/, "60 001");
  expect(screen.getByText("must be: 500 to 60,000 kg")).toBeTruthy();
  type(/^Empty mass/, "12 040.5");
  expect(state.hasAttribute("disabled")).toBe(true);
  type(/^What it rests on/, " Licence 3601 ");
  fireEvent.click(state);
  await vi.waitFor(() => expect(post).toHaveBeenCalledWith("/sites/site-1/tares", { vehicle_id: "v-1", mass_g: 12_040_500, document: "Licence 3601" }));
});

test.each([["keeper", 1], ["operator", 0]] as const)("to a %s the empty mass of %s vehicle is offered to state: of one that brings goods", async (role: Role, count) => {
  const visit = { visit_id: "v-1", vehicle_id: "w-1", plate: "A1", epc_hex: "", purpose: "delivery", state: "left", expected_at: "2026-11-23T03:00:00Z", admitted_at: null, left_at: null, cancelled_reason: null };
  const items = [visit, { ...visit, visit_id: "v-2", purpose: "pickup" }, { ...visit, visit_id: "v-3", state: "cancelled" }] as Visit[];
  vi.spyOn(ApiClient.prototype, "get").mockResolvedValue({ items, next_cursor: null } as never);
  useSite.setState({ session: { person: { roles: [role] } } as unknown as Session });
  render(<Page><VisitsTable path="/sites/site-1" version={0} onChanged={() => undefined} /></Page>);
  await screen.findAllByText("brings goods");
  expect(screen.queryAllByRole("button", { name: "State the empty mass" })).toHaveLength(count);
});
