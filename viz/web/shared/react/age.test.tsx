import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { i18n, Page } from "./page";
import { Age, ShownZone } from "./parts";

beforeEach(() => i18n.setLocale("en"));
afterEach(cleanup);

test("pointed at, an age tells the exact time with its zone, which is the site's where a site is shown", () => {
  render(
    <Page>
      <Age at="2026-11-23T06:00:00Z" />
      <ShownZone value="America/Santiago">
        <Age at="2026-11-23T07:00:00Z" />
      </ShownZone>
    </Page>,
  );
  const titles = screen.getAllByText(/ago/).map((age) => age.getAttribute("title"));
  expect(titles).toEqual(["23/11/2026, 14:00 UTC+8", "23/11/2026, 04:00 UTC-3"]);
});
