/** What the site's devices were told to do, by whom, why, and what became of it. */
import type { DeviceOrder } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { LOOKS, type Look } from "@shared/icons";
import { i18n, useWords } from "@shared/react/page";
import { Age, Blank, Loading, Problem, Tag } from "@shared/react/parts";
import { usePages } from "../desk/pages";
import { causeText, mergeOrders } from "./words";

const LOOK_OF: Record<DeviceOrder["state"], Look> = {
  queued: LOOKS.outcome.waiting,
  sent: LOOKS.outcome.waiting,
  confirmed: LOOKS.outcome.good,
  failed: LOOKS.outcome.bad,
};

export function OrdersTable({ path, everyMs }: { path: string; everyMs: number }) {
  const { t } = useWords();
  const { rows, failure, again, older } = usePages<DeviceOrder>(`${path}/device-orders`, mergeOrders, everyMs);
  return (
    <section className="th-panel" aria-labelledby="order-list" data-testid="device-orders">
      <header className="panel-head">
        <h3 id="order-list">{t("devices.orders")}</h3>
        <span className="th-soft">{t("devices.ordersSub")}</span>
      </header>
      {failure !== null && <Problem error={failure} onRetry={again} />}
      {rows === null && failure === null && <Loading />}
      {rows?.length === 0 && (
        <Blank title={t("devices.ordersNone")}>
          <p>{t("devices.ordersNoneHow")}</p>
        </Blank>
      )}
      {rows !== null && rows.length > 0 && (
        <table className="desk-table">
          <thead>
            <tr>
              <th scope="col">{t("devices.orderedAt")}</th>
              <th scope="col">{t("devices.device")}</th>
              <th scope="col">{t("devices.orderWhat")}</th>
              <th scope="col">{t("devices.orderWhy")}</th>
              <th scope="col">{t("devices.orderEnd")}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <OrderRow key={row.number} row={row} />
            ))}
          </tbody>
        </table>
      )}
      {older !== null && (
        <button type="button" className="th-button older" disabled={older.isBusy} onClick={older.read}>
          {t("devices.older")}
        </button>
      )}
    </section>
  );
}

function OrderRow({ row }: { row: DeviceOrder }) {
  const { t } = useWords();
  const has = (key: string) => i18n.has(key);
  const aspect = row.action === "show" ? [String(row.parameters["aspect"])] : [];
  return (
    <tr>
      <td data-label={t("devices.orderedAt")}>
        <Age at={row.queued_at} />
      </td>
      <th scope="row" data-label={t("devices.device")}>
        <b>{deviceName(row.device_id, t)}</b>
      </th>
      <td data-label={t("devices.orderWhat")}>{t(["devices.order", row.action, ...aspect].join("."))}</td>
      <td data-label={t("devices.orderWhy")}>{causeText(row.cause, t, has)}</td>
      <td data-label={t("devices.orderEnd")}>
        <Tag look={LOOK_OF[row.state]}>{t(`devices.orderState.${row.state}`)}</Tag>
        {row.failure !== null && <small>{t(`activity.device_order_failed.${row.failure}`, { device_id: deviceName(row.device_id, t) })}</small>}
      </td>
    </tr>
  );
}
