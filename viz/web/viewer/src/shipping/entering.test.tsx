import { ApiClient } from "@shared/api/client";
import { i18n, Page } from "@shared/react/page";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { useSite } from "../state/site";
import { ItemDialog } from "./item_dialog";
import { OrderDialog } from "./order_dialog";
import { VisitDialog } from "./visit_dialog";

beforeEach(() => {
  i18n.setLocale("en");
  useSite.setState({ lots: new Map() });
  const answers: Record<string, unknown[]> = {
    "/skus": [{ sku: "CU-1", name_en: "Copper", name_zh: "铜", unit_mass_g: 1000, handling: "" }],
    "/owners": [],
    "/sites/site-1/free-stock": [{ sku: "CU-1", free_each: 170 }],
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
