import { ApiClient, ApiProblem } from "@shared/api/client";
import { i18n, Page } from "@shared/react/page";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CommandDialog } from "./command_dialog";
import { Field } from "./field";
import type { Line } from "./lines";
import { LinesEditor } from "./lines_editor";

beforeEach(() => i18n.setLocale("en"));
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const COLUMNS = [
  { name: "sscc", label: "SSCC" },
  { name: "expected_mass_g", label: "Mass", isNumber: true },
];

function Announce({ onClose, result }: { onClose: () => void; result?: (answer: { secret: string }) => string }) {
  const [lines, setLines] = useState<readonly Line[]>([{}, { sscc: "1", expected_mass_g: "10" }]);
  return (
    <CommandDialog title="Announce" path="/x" body={{ lines }} action="Send" onClose={onClose} {...(result && { result })}>
      <Field label="Plate" name={["plate", "vehicle.plate"]}>
        <input />
      </Field>
      <LinesEditor field="units" label="Pallets" hint="" columns={COLUMNS} lines={lines} onChange={setLines} />
    </CommandDialog>
  );
}

function show(props: Partial<Parameters<typeof Announce>[0]> = {}) {
  const onClose = vi.fn();
  render(<Page><Announce onClose={onClose} {...props} /></Page>);
  return onClose;
}

function refuse(field: string, rule: string) {
  const document = { type: "/problems/x", title: "It was refused.", status: 422, key: "x", field, rule };
  vi.spyOn(ApiClient.prototype, "post").mockRejectedValue(new ApiProblem(document));
}

test("a refusal is said once, beside the field it names, and the dialog stays", async () => {
  refuse("vehicle.plate", "1 to 16 characters");
  const onClose = show();
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  const alerts = await screen.findAllByRole("alert");
  expect(alerts.map((alert) => alert.textContent)).toEqual(["It was refused."]);
  expect(alerts[0]!.closest(".field")!.textContent).toContain("Plate");
  expect(onClose).not.toHaveBeenCalled();
});

test("a refusal that names no field of the dialog is said below it", async () => {
  refuse("reference", "used once");
  show();
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  expect((await screen.findByText("It was refused.")).closest(".th-problem")).toBeTruthy();
});

test("a refused line is counted as it stands here, blank ones before it too, and masses are told in kilograms", async () => {
  refuse("units.0.expected_mass_g", "950000 to 1110000");
  show();
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  expect(await screen.findByText(/^Line 2, Mass: must be 950\skg to 1,110\skg$/)).toBeTruthy();
  expect(screen.getByLabelText("Mass 2").getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByLabelText("SSCC 2").getAttribute("aria-invalid")).toBe("false");
  expect(screen.queryByText("It was refused.")).toBeNull();
});

test("what was said against one entry is gone with the next", async () => {
  refuse("units.0.expected_mass_g", "950000 to 1110000");
  show();
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  await screen.findByText(/^Line 2, Mass/);
  fireEvent.change(screen.getByLabelText("Mass 2"), { target: { value: "1000" } });
  expect(screen.queryByRole("alert")).toBeNull();
});

test("rows that are pasted fill lines, and there is always an empty one to type on", () => {
  show();
  fireEvent.paste(screen.getByLabelText("SSCC 1"), { clipboardData: { getData: () => "SSCC,Mass\n7,8\n9,10" } });
  expect(screen.getByLabelText<HTMLInputElement>("Mass 2").value).toBe("10");
  expect(screen.getByLabelText<HTMLInputElement>("SSCC 3").value).toBe("");
});

test("what came of a command is shown until it is closed", async () => {
  vi.spyOn(ApiClient.prototype, "post").mockResolvedValue({ secret: "s3cret" } as never);
  const onClose = show({ result: ({ secret }) => secret });
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  expect(await screen.findByText("s3cret")).toBeTruthy();
  expect(onClose).not.toHaveBeenCalled();
  fireEvent.click(screen.getAllByRole("button", { name: "Close" }).at(-1)!);
  await waitFor(() => expect(onClose).toHaveBeenCalled());
});
