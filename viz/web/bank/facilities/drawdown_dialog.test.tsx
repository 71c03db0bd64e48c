import type { FacilityDetail } from "@shared/api/types";
import { i18n, Page } from "@shared/react/page";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DrawdownDialog, dueDate } from "./drawdown_dialog";

beforeEach(() => i18n.setLocale("en"));
afterEach(cleanup);

test("a due date that has begun is marked at once, and nothing is proposed on it", () => {
  const facility = { facility_id: "f", available_fen: 100_000, currency: "CNY" } as FacilityDetail;
  render(
    <Page>
      <QueryClientProvider client={new QueryClient()}>
        <DrawdownDialog facility={facility} onClose={vi.fn()} />
      </QueryClientProvider>
    </Page>,
  );
  fireEvent.change(screen.getByLabelText(/^Amount/), { target: { value: "100" } });
  const propose = screen.getByRole("button", { name: "Propose" });
  expect(propose.hasAttribute("disabled")).toBe(false);
  fireEvent.change(screen.getByLabelText(/^Due/), { target: { value: dueDate(Date.now(), 0) } });
  expect(screen.getByRole("alert").textContent).toMatch(/^The day has begun already/);
  expect(propose.hasAttribute("disabled")).toBe(true);
});
