import "@shared/theme/tokens.css";
import "@shared/theme/base.css";
import { Page } from "@shared/react/page";
import { createRoot } from "react-dom/client";
import { App } from "./app";

window.__tallyhouse = {
  framesDrawn: 0,
  lastAlarmAt: null,
  bannersShown: [],
  rackTriangles: 0,
  units: 0,
  posesReceived: 0,
};

createRoot(document.getElementById("root")!).render(
  <Page>
    <App />
  </Page>,
);
