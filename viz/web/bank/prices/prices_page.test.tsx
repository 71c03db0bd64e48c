import { ApiClient, ApiProblem } from "@shared/api/client";
import type { Price, Role, Session, Sku } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionContext } from "../parts/session";
import { PricesPage } from "./prices_page";

const RICE: Sku = { sku: "RICE-25", name_en: "Rice, 25 kg", name_zh: "大米25公斤", unit_mass_g: 25_000, handling: "ambient" };

function aPrice(changes: Partial<Price> = {}): Price {
  return {
    price_id: "price-1",
    sku: "RICE-25",
    currency: "CNY",
    price_fen_each: 10_000,
    source: "Exchange",
    quoted_at: "2026-11-23T06:00:00Z",
    set_at: "2026-11-23T06:01:00Z",
    set_by: "p-2",
    set_by_name: "Wang",
    state: "in_force",
    standing: "counts",
    approved_by: "p-3",
    approved_by_name: "Li",
    approved_at: "2026-11-23T06:02:00Z",
    refused_by: null,
    refused_by_name: null,
    refused_at: null,
    refusal_reason: null,
    ...changes,
  };
}

const PROPOSED = aPrice({
  price_id: "price-2",
  price_fen_each: 10_500,
  state: "proposed",
  standing: "waiting",
  approved_by: null,
  approved_by_name: null,
  approved_at: null,
});

function show(role: Role, prices: readonly Price[]) {
  const session: Session = {
    person: { person_id: "p-1", username: `${role}-a`, display_name: role, roles: [role], locale: "en" },
    party: { party_id: "bank-a", kind: "bank", name: "Bank A" },
    csrf_token: "t",
    expires_at: "2026-11-23T12:00:00Z",
    sites: [],
  };
  const answers: Record<string, readonly unknown[]> = { "/prices": prices, "/skus": [RICE] };
  vi.spyOn(ApiClient.prototype, "list").mockImplementation((path: string) => Promise.resolve([...(answers[path] ?? [])] as never));
  return render(
    <Page>
      <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
        <SessionContext value={session}>
          <PricesPage />
        </SessionContext>
      </QueryClientProvider>
    </Page>,
  );
}

// Tables of the component library are slow to draw on a busy machine; nothing here is about time.
configure({ asyncUtilTimeout: 20_000 });
vi.setConfig({ testTimeout: 60_000 });

beforeEach(() => i18n.setLocale("en"));
afterEach(cleanup);

test("before any price the page says what that means, and an officer may state one", async () => {
  show("officer", []);
  expect(await screen.findByText("No price yet")).toBeTruthy();
  fireEvent.click(screen.getByText("State a price"));
  expect(await screen.findByText("Price of one piece")).toBeTruthy();
});

test("a quote older than the one in force is refused before it is sent", async () => {
  show("officer", [aPrice()]);
  fireEvent.click(await screen.findByText("State a price"));
  fireEvent.mouseDown(await screen.findByRole("combobox"));
  fireEvent.click(await screen.findByTitle("Rice, 25 kg · RICE-25"));
  fireEvent.change(screen.getByLabelText(/^Quoted/, { selector: "input" }), { target: { value: "2026-11-20T08:00" } });
  expect(await screen.findByText("A quote cannot be older than the one in force.")).toBeTruthy();
});

test("an approver sees what a proposal changes and puts it in force", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({});
  show("approver", [PROPOSED, aPrice()]);
  const row = await screen.findByTestId("waiting-price");
  expect(await screen.findAllByText("Rice, 25 kg")).not.toHaveLength(0);
  expect(row.textContent).toContain("¥105.00 a piece: +5% against the ¥100.00 in force");
  fireEvent.click(screen.getByText("Approve ¥105.00"));
  await vi.waitFor(() => expect(post).toHaveBeenCalledWith("/prices/price-2/approve", {}));
});

test("a second person refuses a proposal and says why", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({});
  show("approver", [PROPOSED, aPrice()]);
  fireEvent.click(await screen.findByText("Refuse"));
  expect(await screen.findByText("Refuse the price of ¥105.00")).toBeTruthy();
  fireEvent.change(screen.getByRole("textbox"), { target: { value: "The exchange quotes less." } });
  fireEvent.click(screen.getAllByText("Refuse").at(-1)!);
  await vi.waitFor(() => expect(post).toHaveBeenCalledWith("/prices/price-2/refuse", { reason: "The exchange quotes less." }));
});

test("a refused price stays in the list with who refused it and why", async () => {
  const refused = { state: "refused", standing: "refused", approved_by: null, approved_by_name: null } as const;
  show("officer", [aPrice({ ...refused, refused_by: "p-3", refused_by_name: "Li", refusal_reason: "The exchange quotes less." })]);
  expect(await screen.findByText("Refused")).toBeTruthy();
  expect(screen.getByText("The exchange quotes less.")).toBeTruthy();
  expect(screen.queryByTestId("waiting-price")).toBeNull();
});

test("nobody approves an own proposal, but takes it back", async () => {
  show("approver", [{ ...PROPOSED, set_by: "p-1" }]);
  expect(await screen.findByText("Withdraw")).toBeTruthy();
  expect(await screen.findByText("You proposed this. Another person must approve it.")).toBeTruthy();
  expect(screen.queryByText("Approve ¥105.00")).toBeNull();
});

test("what the server says against an approval stands where it was asked", async () => {
  const problem = { type: "/problems/price.in_force", title: "", status: 409, key: "price.in_force" };
  vi.spyOn(ApiClient.prototype, "post").mockRejectedValue(new ApiProblem(problem));
  show("approver", [PROPOSED]);
  fireEvent.click(await screen.findByText("Approve ¥105.00"));
  const said = await screen.findByText("This price is in force already.");
  expect(screen.getByTestId("waiting-price").contains(said)).toBe(true);
});

test("an auditor reads prices and an officer does not approve", async () => {
  show("auditor", [PROPOSED, aPrice()]);
  expect(await screen.findByText("Waiting for an approver of the bank.")).toBeTruthy();
  expect(screen.queryByText("State a price")).toBeNull();
  cleanup();
  show("officer", [PROPOSED, aPrice()]);
  expect(await screen.findByText("Waiting for an approver of the bank.")).toBeTruthy();
});

test("the page speaks Chinese, the goods included", async () => {
  i18n.setLocale("zh");
  show("officer", [aPrice()]);
  expect(await screen.findAllByText("大米25公斤")).not.toHaveLength(0);
  expect(screen.getByText("录入价格")).toBeTruthy();
});
