import "@shared/theme/tokens.css";
import "@shared/theme/base.css";
import "./bank.css";
import { Page } from "@shared/react/page";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Console } from "./console";
import { QUERY_DEFAULTS } from "./data/queries";

const queries = new QueryClient({ defaultOptions: QUERY_DEFAULTS });

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Page>
      <QueryClientProvider client={queries}>
        <Console />
      </QueryClientProvider>
    </Page>
  </StrictMode>,
);
