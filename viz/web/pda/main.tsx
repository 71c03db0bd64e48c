import "@shared/theme/tokens.css";
import "@shared/theme/base.css";
import "./pda.css";
import { startTheme } from "@shared/theme/theme";
import { render } from "preact";
import { App } from "./app";
import { Server } from "./device/server";
import { Handheld } from "./handheld";
import { ScanStore } from "./queue/store";

startTheme();

/** Takes the one-time code off the address, so that it neither stays in the history nor is sent twice. */
function takeEnrolmentCode(): string | null {
  const code = new URLSearchParams(window.location.search).get("enrol");
  if (code !== null) window.history.replaceState(null, "", window.location.pathname);
  return code;
}

async function start(root: HTMLElement): Promise<void> {
  const handheld = new Handheld(await ScanStore.open(Date.now()), new Server());
  const code = takeEnrolmentCode();
  render(<App handheld={handheld} />, root);
  if (code !== null) await handheld.enrol(code);
  await handheld.start();
}

if ("serviceWorker" in navigator) void navigator.serviceWorker.register(`${import.meta.env.BASE_URL}sw.js`);
// The browser may clear the storage of pages it thinks unused; unsent scans must not go that way.
void navigator.storage?.persist?.();
const root = document.getElementById("root");
if (root !== null) void start(root);
