/** An officer states a price: of which goods, how much a piece, on which source and as of when. */

import type { Price, Sku } from "@shared/api/types";
import { formatMoney } from "@shared/i18n/format";
import type { Translate } from "@shared/i18n/i18n";
import { useWords } from "@shared/react/page";
import { Input, Select } from "antd";
import { useState } from "react";
import { fieldText, momentOf, zoneText } from "../data/moments";
import { parseYuan } from "../data/money";
import { itemName, useItems } from "../data/names";
import { CommandDialog, Field } from "../parts/command_dialog";
import { fenPerTonne, inForce, verdict } from "./price_change";

const SOURCE_LENGTH_MAX = 200;

export function PriceDialog({ prices, onClose }: { prices: readonly Price[]; onClose: () => void }) {
  const { t, locale } = useWords();
  const { items } = useItems();
  const [sku, setSku] = useState<string | null>(null);
  const [text, setText] = useState("");
  const [source, setSource] = useState("");
  const [quoted, setQuoted] = useState(() => fieldText(Date.now()));
  const price_fen_each = parseYuan(text);
  const quoted_at = momentOf(quoted);
  const standing = sku === null ? null : inForce(prices, sku);
  const isAhead = quoted_at !== null && Date.parse(quoted_at) > Date.now();
  const isOlder = quoted_at !== null && standing !== null && Date.parse(quoted_at) < Date.parse(standing.quoted_at);
  const wrongQuote = isAhead ? t("bank.quotedAhead") : isOlder ? t("bank.quotedBefore") : undefined;
  const isComplete = sku !== null && price_fen_each !== null && source.trim() !== "" && quoted_at !== null && wrongQuote === undefined;
  return (
    <CommandDialog
      title={t("bank.statePrice")}
      path="/prices"
      body={isComplete ? { sku, price_fen_each, source: source.trim(), quoted_at } : null}
      action={t(standing !== null && price_fen_each !== null && verdict(price_fen_each, standing) === "at_once" ? "bank.statePrice" : "bank.propose")}
      onClose={onClose}
    >
      <Field label={t("bank.goods")}>
        <Select
          showSearch={{ optionFilterProp: "label" }}
          {...(sku === null ? {} : { value: sku })}
          onChange={setSku}
          options={[...items.values()].map((item) => ({ value: item.sku, label: `${itemName(item, locale)} · ${item.sku}` }))}
          notFoundContent={t("bank.noItems")}
        />
      </Field>
      <Field label={t("bank.priceField")} hint={perTonneText(price_fen_each, items.get(sku ?? ""), t, (fen) => formatMoney(fen, locale))} wrong={text !== "" && price_fen_each === null ? t("bank.notAnAmount") : undefined}>
        <Input value={text} inputMode="decimal" prefix="¥" onChange={(event) => setText(event.target.value)} />
      </Field>
      <Field label={t("bank.source")} hint={t("bank.sourceHint")}>
        <Input value={source} maxLength={SOURCE_LENGTH_MAX} onChange={(event) => setSource(event.target.value)} />
      </Field>
      <Field label={t("bank.quotedAt")} name="quoted_at" hint={t("bank.quotedHint", { zone: zoneText(new Date()) })} wrong={wrongQuote}>
        <Input type="datetime-local" value={quoted} max={fieldText(Date.now())} onChange={(event) => setQuoted(event.target.value)} />
      </Field>
      {sku !== null && price_fen_each !== null && (
        <p className="th-soft" role="status">
          {t(`bank.priceWill.${verdict(price_fen_each, standing)}`, { price: formatMoney(standing?.price_fen_each ?? 0, locale) })}
        </p>
      )}
    </CommandDialog>
  );
}

function perTonneText(fenEach: number | null, item: Sku | undefined, t: Translate, money: (fen: number) => string): string | undefined {
  const fen = fenEach === null || item === undefined ? null : fenPerTonne(fenEach, item.unit_mass_g);
  return fen === null ? undefined : t("bank.perTonne", { price: money(fen) });
}
