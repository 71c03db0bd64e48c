import type { Delivery } from "@shared/api/types";
import { formatCount, formatMass } from "@shared/i18n/format";
import { LOOKS, type Look } from "@shared/icons";
import { useWords } from "@shared/react/page";
import { Age, Tag } from "@shared/react/parts";
import { useState } from "react";
import { ListPanel, newestFirst, type TableProps } from "./list_panel";
import { TakeBackButton, TakeBackDialog } from "./take_back_dialog";

const merge = newestFirst<Delivery>((row) => row.delivery_id, (row) => row.announced_at);

export const DELIVERY_LOOKS: Record<Delivery["state"], Look> = {
  announced: LOOKS.outcome.waiting,
  arrived: LOOKS.status.reserved,
  receiving: LOOKS.status.reserved,
  received: LOOKS.outcome.good,
  cancelled: LOOKS.device.retired,
};

export function DeliveriesTable(props: TableProps) {
  const { t } = useWords();
  const [takingBack, setTakingBack] = useState<Delivery | null>(null);
  const columns = [t("shipping.lot"), t("shipping.state"), t("shipping.vehicle"), t("shipping.pallets"), t("shipping.net"), t("shipping.announced"), ""];
  const row = (one: Delivery) => <Row key={one.delivery_id} row={one} onTakeBack={() => setTakingBack(one)} />;
  return (
    <>
      <ListPanel {...props} list="deliveries" merge={merge} columns={columns} row={row} />
      {takingBack && <TakeBackDialog visit={takingBack} onClose={() => setTakingBack(null)} onDone={props.onChanged} />}
    </>
  );
}

function Row({ row, onTakeBack }: { row: Delivery; onTakeBack: () => void }) {
  const { t, locale } = useWords();
  const expected = formatMass(row.expected_net_g, locale);
  return (
    <tr>
      <th scope="row">
        <b>{row.lot_code}</b>
        <small>{[row.sku, row.owner_name].filter(Boolean).join(" · ")}</small>
      </th>
      <td data-label={t("shipping.state")}>
        <Tag look={DELIVERY_LOOKS[row.state]}>{t(`states.deliveries.${row.state}`)}</Tag>
        {row.cancelled_reason !== null && <small>{row.cancelled_reason}</small>}
        {row.discrepancies > 0 && <small>{t("shipping.neverCame", { count: row.discrepancies })}</small>}
      </td>
      <td data-label={t("shipping.vehicle")}>{row.plate}</td>
      <td data-label={t("shipping.pallets")}>
        {t("shipping.seenOf", { seen: row.units_seen, count: row.units_expected })}
        <small>{t("shipping.putAway", { number: formatCount(row.units_put_away, locale) })}</small>
      </td>
      <td data-label={t("shipping.net")}>
        {row.net_g === null ? t("viewer.notWeighed") : formatMass(row.net_g, locale)}
        <small>{t("shipping.statedMass", { mass: expected })}</small>
      </td>
      <td data-label={t("shipping.announced")}>
        <Age at={row.announced_at} />
      </td>
      <td className="row-acts">{row.state === "announced" && <TakeBackButton onClick={onTakeBack} />}</td>
    </tr>
  );
}
