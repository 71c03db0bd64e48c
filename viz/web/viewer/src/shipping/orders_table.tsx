import type { Order, OrderState } from "@shared/api/types";
import { formatCount } from "@shared/i18n/format";
import { LOOKS, type Look } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Age, Icon, Tag } from "@shared/react/parts";
import { Dropdown } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { ReasonDialog } from "../desk/reason_dialog";
import { ListPanel, newestFirst, type TableProps } from "./list_panel";
import { ReleaseDialog } from "./release_dialog";

const merge = newestFirst<Order>((row) => row.order_id, (row) => row.placed_at);

const ORDER_LOOKS: Record<OrderState, Look> = {
  received: LOOKS.outcome.waiting,
  held: LOOKS.outcome.warning,
  refused: LOOKS.outcome.bad,
  short: LOOKS.outcome.warning,
  allocated: LOOKS.status.reserved,
  picking: LOOKS.status.reserved,
  ready: LOOKS.outcome.good,
  shipped: LOOKS.outcome.good,
  cancelled: LOOKS.device.retired,
};

type Act = "allocate" | "accept" | "refuse" | "release" | "cancel";

/** What can be done with an order, the next step first. */
export function actsOf(order: Order): Act[] {
  const release: Act[] = order.is_releasable ? ["release"] : [];
  switch (order.state) {
    case "held":
      return ["accept", "refuse"];
    case "received":
      return ["allocate", "cancel"];
    case "short":
      return order.lines.some((line) => line.picked_each > 0) ? [...release, "allocate"] : ["allocate", "cancel"];
    case "allocated":
      return ["cancel"];
    case "ready":
      return release;
    default:
      return [];
  }
}

export function OrdersTable(props: TableProps) {
  const { t } = useWords();
  const [acting, setActing] = useState<{ order: Order; act: Act } | null>(null);
  const columns = [t("shipping.order"), t("shipping.state"), t("shipping.customer"), t("shipping.goods"), t("shipping.placed"), ""];
  const row = (order: Order) => <Row key={order.order_id} order={order} onAct={(act) => setActing({ order, act })} />;
  return (
    <>
      <ListPanel {...props} list="orders" merge={merge} columns={columns} row={row} />
      {acting && <ActDialog {...acting} site={props.path} onClose={() => setActing(null)} onDone={props.onChanged} />}
    </>
  );
}

function Row({ order, onAct }: { order: Order; onAct: (act: Act) => void }) {
  const { t, locale } = useWords();
  const pieces = order.lines.reduce((sum, line) => sum + line.quantity_each, 0);
  const [next, ...others] = actsOf(order);
  const items = others.map((act) => ({ key: act, label: t(`shipping.act.${act}`), danger: act === "cancel", onClick: () => onAct(act) }));
  return (
    <tr>
      <th scope="row">
        <b>{order.reference}</b>
      </th>
      <td data-label={t("shipping.state")}>
        <span>
          <Tag look={ORDER_LOOKS[order.state]}>{t(`states.orders.${order.state}`)}</Tag>
          <small>{order.ended_reason ?? <Reasons order={order} />}</small>
        </span>
      </td>
      <td data-label={t("shipping.customer")}>{order.customer || "–"}</td>
      <td data-label={t("shipping.goods")}>
        <span>
          {t("viewer.pieces", { count: pieces, number: formatCount(pieces, locale) })}
          <small>{[...new Set(order.lines.map((line) => line.sku))].slice(0, 3).join(" · ")}</small>
        </span>
      </td>
      <td data-label={t("shipping.placed")}>
        <Age at={order.placed_at} />
      </td>
      <td className="row-acts">
        {next && (
          <button type="button" className="th-button" onClick={() => onAct(next)}>
            {t(`shipping.act.${next}`)}
          </button>
        )}
        {items.length > 0 && (
          <Dropdown trigger={["click"]} menu={{ items }}>
            <button type="button" className="th-button" data-kind="icon" aria-label={t("shipping.moreActs", { order: order.reference })}>
              <Icon name="dots" />
            </button>
          </Dropdown>
        )}
      </td>
    </tr>
  );
}

/** The first reason of each line, by which it is counted: one that is refused waits for nobody's decision. */
export function reasonsShown(order: Order): Order["reasons"] {
  return order.reasons.filter(({ line_no }, at) => order.reasons.findIndex((other) => other.line_no === line_no) === at);
}

/** What is still wanted of the lines of an order that is short of stock. */
export function lacking(order: Order): { sku: string; each: number }[] {
  if (order.state !== "short") return [];
  return order.lines
    .filter((line) => line.state !== "refused")
    .map((line) => ({ sku: line.sku, each: line.quantity_each - line.reserved_each - line.picked_each - line.shipped_each }))
    .filter((line) => line.each > 0);
}

/** Why lines do not flow, or what the order waits for. */
function Reasons({ order }: { order: Order }) {
  const { t, locale } = useWords();
  const reasons = reasonsShown(order).map(({ key, facts }) => t(`problems.${key}`, facts));
  const lacks = lacking(order).map(({ sku, each }) => t("shipping.lacks", { sku, number: formatCount(each, locale) }));
  if (reasons.length + lacks.length > 0) return [...new Set([...reasons, ...lacks])].join(" ");
  return order.state === "allocated" ? t("shipping.waitsForPick") : null;
}

interface ActProps {
  order: Order;
  act: Act;
  site: string;
  onClose: () => void;
  onDone: () => void;
}

function ActDialog({ order, act, site, onClose, onDone }: ActProps) {
  const { t } = useWords();
  const path = `/orders/${encodeURIComponent(order.order_id)}`;
  const title = t(`shipping.actTitle.${act}`, { order: order.reference });
  const common = { title, action: t(`shipping.act.${act}`), onClose, onDone };
  if (act === "release") return <ReleaseDialog order={order} site={site} {...common} />;
  if (act === "cancel") return <ReasonDialog {...common} path={`${path}/cancel`} isDanger />;
  if (act !== "allocate") return <ReasonDialog {...common} path={`${path}/decide`} given={{ accept: act === "accept" }} />;
  return (
    <CommandDialog {...common} path={`${path}/allocate`}>
      <p>{t("shipping.allocateHow")}</p>
    </CommandDialog>
  );
}
