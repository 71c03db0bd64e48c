/** Goods in and out: deliveries that are announced, vehicles that are expected, orders, and releases to the gate. */
import { formatZone } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { useState } from "react";
import "../desk/desk.css";
import { serverNow, useSite } from "../state/site";
import { AnnounceDialog } from "./announce_dialog";
import { DeliveriesTable } from "./deliveries_table";
import { ItemDialog } from "./item_dialog";
import { OrderDialog } from "./order_dialog";
import { OrdersTable } from "./orders_table";
import { ReleasesTable } from "./releases_table";
import { TaresTable } from "./tares_table";
import { VisitDialog } from "./visit_dialog";
import { VisitsTable } from "./visits_table";

const DIALOGS = { announce: AnnounceDialog, visit: VisitDialog, order: OrderDialog, item: ItemDialog };

type Opened = keyof typeof DIALOGS;

const ACTIONS: readonly Opened[] = ["item", "visit", "order", "announce"];

export default function ShippingPage() {
  const { t, locale } = useWords();
  const site = useSite((state) => state.site!);
  const zone = useSite((state) => state.frame?.layout.time_zone);
  const [opened, setOpened] = useState<Opened | null>(null);
  // Grows with each command, so that the lists are read again at once.
  const [version, setVersion] = useState(0);
  const path = `/sites/${encodeURIComponent(site.site_id)}`;
  const table = { path, version, onChanged: () => setVersion(version + 1) };
  const Dialog = opened && DIALOGS[opened];
  return (
    <section className="desk" aria-labelledby="shipping-title" data-testid="shipping">
      <header className="desk-head">
        <div>
          <h2 id="shipping-title">{t("shipping.title")}</h2>
          <p className="th-soft">
            {locale === "zh" ? site.name_zh : site.name_en} · {t("devices.zone", { zone: formatZone(serverNow(), zone) })}
          </p>
        </div>
        <div className="desk-actions">
          {ACTIONS.map((action) => (
            <button
              key={action}
              type="button"
              className="th-button"
              data-kind={action === "announce" ? "primary" : undefined}
              onClick={() => setOpened(action)}
            >
              <Icon name="plus" />
              {t(`shipping.do.${action}`)}
            </button>
          ))}
        </div>
      </header>
      <DeliveriesTable {...table} />
      <OrdersTable {...table} />
      <VisitsTable {...table} />
      <TaresTable {...table} />
      <ReleasesTable {...table} />
      {Dialog && <Dialog path={path} onClose={() => setOpened(null)} onDone={table.onChanged} />}
    </section>
  );
}
