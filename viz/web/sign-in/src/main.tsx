import "@shared/theme/tokens.css";
import "@shared/theme/base.css";
import { Page } from "@shared/react/page";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { SignIn } from "./sign_in";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Page>
      <SignIn next={new URLSearchParams(window.location.search).get("next")} />
    </Page>
  </StrictMode>,
);
