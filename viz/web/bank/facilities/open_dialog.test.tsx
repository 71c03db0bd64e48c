import { ApiClient } from "@shared/api/client";
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

test("a facility is opened for a borrower and a site that are chosen by name", async () => {
  const answers: Record<string, readonly unknown[]> = {
    "/owners": [{ party_id: "owner-a", kind: "owner", name: "Owner A" }],
    "/inspected-sites": [{ site_id: "site-a", name_en: "Harbour", name_zh: "港口" }],
  };
  vi.spyOn(ApiClient.prototype, "list").mockImplementation((path: string) => Promise.resolve(answers[path] as never));
  const post = vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({} as never);
  render(
    <Page>
      <QueryClientProvider client={new QueryClient()}>
        <OpenDialog onClose={vi.fn()} />
      </QueryClientProvider>
    </Page>,
  );
  await choose(/^Borrower/, "Owner A");
  await choose(/^Site/, "Harbour");
  fireEvent.change(screen.getByLabelText(/^Limit/), { target: { value: "1,000,000" } });
  const open = screen.getByRole("button", { name: "Open a facility" });
  expect(open.hasAttribute("disabled")).toBe(true);
  fireEvent.change(screen.getByLabelText(/^Rate a year/), { target: { value: "4.35" } });
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
