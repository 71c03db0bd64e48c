import { ApiClient, ApiProblem } from "@shared/api/client";
import { i18n, Page } from "@shared/react/page";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OpenDialog } from "./open_dialog";

beforeEach(() => i18n.setLocale("en"));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

/** Chooses in one of the component library's lists. */
async function choose(label: RegExp, option: string) {
  fireEvent.mouseDown(await screen.findByLabelText(label));
  fireEvent.click(await screen.findByText((_, element) => element?.className.includes("option-content") === true && element.textContent === option));
}

function show() {
  const answers: Record<string, readonly unknown[]> = {
    "/owners": [{ party_id: "owner-a", kind: "owner", name: "Owner A" }],
    "/inspected-sites": [{ site_id: "site-a", name_en: "Harbour", name_zh: "港口" }],
  };
  vi.spyOn(ApiClient.prototype, "list").mockImplementation((path: string) => Promise.resolve(answers[path] as never));
  render(
    <Page>
      <QueryClientProvider client={new QueryClient()}>
        <OpenDialog onClose={vi.fn()} />
      </QueryClientProvider>
    </Page>,
  );
}

function type(label: RegExp, value: string) {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
}

test("a facility is opened for a borrower and a site that are chosen by name", async () => {
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({} as never);
  show();
  await choose(/^Borrower/, "Owner A");
  await choose(/^Site/, "Harbour");
  type(/^Limit/, "1,000,000");
  const open = screen.getByRole("button", { name: "Open a facility" });
  expect(open.hasAttribute("disabled")).toBe(true);
  type(/^Rate a year/, "4.35");
  fireEvent.click(open);
  const line = {
    borrower_party_id: "owner-a",
    site_id: "site-a",
    limit_fen: 100_000_000,
    rate: "0.0435",
    rule: { advance_rate: "0.7" },
  };
  await vi.waitFor(() => expect(post).toHaveBeenCalledWith("/facilities", line));
});

test("an advance rate that is refused is told at its field, until something else is typed", async () => {
  const said = "Advance rate: must be below 75%.";
  const refusal = { type: "x", title: said, status: 422, key: "facility.ltv_lines", field: "rule.advance_rate", rule: "below 75 %" };
  vi.spyOn(ApiClient.prototype, "post").mockRejectedValue(new ApiProblem(refusal));
  show();
  await choose(/^Borrower/, "Owner A");
  await choose(/^Site/, "Harbour");
  type(/^Limit/, "1,000,000");
  type(/^Rate a year/, "4.35");
  type(/^Advance rate/, "80");
  fireEvent.click(screen.getByRole("button", { name: "Open a facility" }));
  const alerts = await screen.findAllByRole("alert");
  expect(alerts.map((alert) => alert.textContent)).toEqual([said]);
  expect(alerts[0]!.closest("label")!.textContent).toMatch(/^Advance rate/);
  type(/^Advance rate/, "70");
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a limit of nothing, and a rate above what a year may cost, say the rule", () => {
  show();
  type(/^Limit/, "0");
  type(/^Rate a year/, "50");
  expect(screen.getAllByRole("alert").map((alert) => alert.textContent)).toEqual([
    "Enter an amount in yuan, above 0 and up to 1,000,000,000,000, with two decimals at most.",
    "Enter per cent above 0 and up to 36, such as 4.35.",
  ]);
});
