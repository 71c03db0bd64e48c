/** What goods are worth to the bank: the prices in force, those that wait for a second person, and all others. */

import type { Price } from "@shared/api/types";
import { formatMoney, formatShare } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Blank } from "@shared/react/parts";
import { useItems } from "../data/names";
import { yuanText } from "../data/money";
import { useCommand, usePrices } from "../data/queries";
import { mayRefuse, mayStatePrice, priceApproval, seesPrices } from "../data/rights";
import { DialogButton } from "../parts/command_dialog";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, Moment, Money, PageHead, Panel, StateTag, When, Who } from "../parts/parts";
import { ReasonDialog } from "../parts/reason_dialog";
import { Refusal } from "../parts/refusal";
import { useSignedIn } from "../parts/session";
import { changeOf, fenPerTonne, inForce } from "./price_change";
import { PriceDialog } from "./price_dialog";

/** What the panel of prices in force need not say. */
const ALL_ONLY = new Set(["standing"]);

export function PricesPage() {
  const { t } = useWords();
  const session = useSignedIn();
  const query = usePrices(seesPrices(session));
  if (!seesPrices(session)) return <Blank title={t("bank.pricesNotForYou")} />;
  return (
    <>
      <PageHead title={t("bank.prices")} sub={t("bank.pricesSub")}>
        {mayStatePrice(session) && (
          <DialogButton
            text={t("bank.statePrice")}
            kind="primary"
            dialog={(close) => <PriceDialog prices={query.data ?? []} onClose={close} />}
          />
        )}
      </PageHead>
      <Answer query={query}>{(prices) => <Prices prices={prices} />}</Answer>
    </>
  );
}

function Prices({ prices }: { prices: readonly Price[] }) {
  const { t } = useWords();
  const columns = usePriceColumns();
  const now = prices.filter((price) => price.standing === "counts");
  const waiting = prices.filter((price) => price.standing === "waiting");
  if (prices.length === 0) {
    return (
      <Panel title={t("bank.pricesInForce")}>
        <Blank title={t("bank.noPrices")}>{t("bank.noPricesHint")}</Blank>
      </Panel>
    );
  }
  return (
    <>
      {waiting.length > 0 && <Waiting waiting={waiting} prices={prices} />}
      <Panel title={t("bank.pricesInForce")} note={t("bank.pricesInForceNote")}>
        <DataTable
          columns={columns.filter((column) => !ALL_ONLY.has(column.key))}
          rows={now}
          rowKey={(price) => price.price_id}
          empty={{ title: t("bank.noPriceInForce"), hint: t("bank.noPricesHint") }}
        />
      </Panel>
      <Panel title={t("bank.allPrices")} actions={<ExportButton name="prices" columns={columns} rows={prices} />}>
        <DataTable columns={columns} rows={prices} rowKey={(price) => price.price_id} empty={{ title: t("bank.noPrices") }} />
      </Panel>
    </>
  );
}

function Waiting({ waiting, prices }: { waiting: readonly Price[]; prices: readonly Price[] }) {
  const { t } = useWords();
  return (
    <Panel title={t("bank.pricesWaiting")} note={t("bank.waitingForApproval", { count: waiting.length })}>
      <ul className="rows">
        {waiting.map((price) => (
          <WaitingRow key={price.price_id} price={price} standing={inForce(prices, price.sku)} />
        ))}
      </ul>
    </Panel>
  );
}

function WaitingRow({ price, standing }: { price: Price; standing: Price | null }) {
  const { t, locale } = useWords();
  const { nameOf } = useItems();
  const change = changeOf(price.price_fen_each, standing);
  return (
    <li data-testid="waiting-price">
      <div>
        <b>{nameOf(price.sku) ?? price.sku}</b> <span className="th-faint">{price.sku}</span>
        <p>
          <Money fen={price.price_fen_each} currency={price.currency} />{" "}
          {change === null || standing === null
            ? t("bank.firstPrice")
            : t("bank.priceChange", {
                change: `${change > 0 ? "+" : ""}${formatShare(change, locale)}`,
                price: formatMoney(standing.price_fen_each, locale, standing.currency),
              })}
        </p>
        <p className="th-soft">
          {price.source} · {t("bank.quotedAt")} <When at={price.quoted_at} />
        </p>
        <p className="th-soft">
          {t("bank.proposedBy")} <Who id={price.set_by} name={price.set_by_name} />
        </p>
      </div>
      <Decide price={price} />
    </li>
  );
}

function Decide({ price }: { price: Price }) {
  const { t, locale } = useWords();
  const session = useSignedIn();
  const path = `/prices/${encodeURIComponent(price.price_id)}`;
  const approve = useCommand(`${path}/approve`);
  const approval = priceApproval(session, price);
  const amount = formatMoney(price.price_fen_each, locale, price.currency);
  return (
    <div className="row-action">
      {approval === "may" ? (
        <button type="button" className="th-button" data-kind="primary" disabled={approve.isPending} onClick={() => approve.mutate({})}>
          {t("bank.approvePrice", { price: amount })}
        </button>
      ) : (
        <span className="why-not">{t(`bank.approval.${approval}`)}</span>
      )}
      {mayRefuse(session) && <Refuse path={`${path}/refuse`} price={amount} isOwn={approval === "own_proposal"} />}
      {approve.isError && <Refusal error={approve.error} />}
    </div>
  );
}

function Refuse({ path, price, isOwn }: { path: string; price: string; isOwn: boolean }) {
  const { t } = useWords();
  const action = t(isOwn ? "bank.takeBack" : "bank.refuse");
  return (
    <DialogButton
      text={action}
      dialog={(close) => (
        <ReasonDialog
          title={t(isOwn ? "bank.takeBackPrice" : "bank.refusePrice", { price })}
          path={path}
          how={t("bank.refusePriceHow")}
          action={action}
          onClose={close}
        />
      )}
    />
  );
}

function usePriceColumns(): Column<Price>[] {
  const { t } = useWords();
  const { items, nameOf } = useItems();
  return [
    {
      key: "goods",
      title: t("bank.goods"),
      draw: (price) => (
        <span className="name">
          {nameOf(price.sku) ?? price.sku}
          <small>{price.sku}</small>
        </span>
      ),
      value: (price) => nameOf(price.sku) ?? price.sku,
    },
    { key: "sku", title: t("bank.sku"), isFileOnly: true, draw: (price) => price.sku, value: (price) => price.sku },
    {
      key: "standing",
      title: t("bank.stateTitle"),
      draw: (price) => <StateTag state={price.standing} />,
      value: (price) => t(`bank.state.${price.standing}`),
    },
    {
      key: "price",
      title: t("bank.pricePiece"),
      isNumber: true,
      draw: (price) => <PriceCell price={price} massG={items.get(price.sku)?.unit_mass_g ?? 0} />,
      value: (price) => yuanText(price.price_fen_each),
    },
    { key: "source", title: t("bank.source"), draw: (price) => price.source, value: (price) => price.source },
    { key: "quoted", title: t("bank.quotedAt"), draw: (price) => <Moment at={price.quoted_at} />, value: (price) => price.quoted_at },
    { key: "by", title: t("bank.statedBy"), draw: (price) => <Who id={price.set_by} name={price.set_by_name} />, value: (price) => price.set_by_name ?? price.set_by },
    {
      key: "decided",
      title: t("bank.decidedByTitle"),
      draw: (price) => <DecidedBy price={price} />,
      value: (price) => price.approved_by_name ?? price.approved_by ?? price.refused_by_name ?? price.refused_by ?? "",
    },
    {
      key: "reason",
      title: t("bank.reason"),
      isFileOnly: true,
      draw: (price) => price.refusal_reason,
      value: (price) => price.refusal_reason ?? "",
    },
  ];
}

function PriceCell({ price, massG }: { price: Price; massG: number }) {
  const { t, locale } = useWords();
  const tonne = fenPerTonne(price.price_fen_each, massG);
  return (
    <span className="name">
      <Money fen={price.price_fen_each} currency={price.currency} />
      {tonne !== null && <small>{t("bank.perTonne", { price: formatMoney(tonne, locale, price.currency) })}</small>}
    </span>
  );
}

function DecidedBy({ price }: { price: Price }) {
  const { t } = useWords();
  if (price.refused_by !== null) {
    return (
      <span className="name">
        <Who id={price.refused_by} name={price.refused_by_name} />
        <small>{price.refusal_reason}</small>
      </span>
    );
  }
  if (price.approved_by !== null) return <Who id={price.approved_by} name={price.approved_by_name} />;
  return <span className="th-faint">{t(price.state === "proposed" ? "bank.nobodyYet" : "bank.notNeeded")}</span>;
}
