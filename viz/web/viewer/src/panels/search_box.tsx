import type { Translate } from "@shared/i18n/i18n";
import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { ICONS } from "@shared/icons";
import { useDeferredValue, useId, useMemo, useState, type KeyboardEvent } from "react";
import { search, type Found } from "../model/search";
import { useSite } from "../state/site";
import { goToFound } from "./go_to";

const SIGN: Record<Found["kind"], keyof typeof ICONS> = {
  unit: "pallet",
  lot: "layers",
  slot: "rack",
  rack: "rack",
  zone: "top",
  gate: "gate",
  weighbridge: "scale",
  asset: "forklift",
};

/** Finds a pallet, lot, place or vehicle by whatever code is in hand, and flies there. */
export function SearchBox() {
  const { t, locale } = useWords();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const [isOpen, setIsOpen] = useState(false);
  const listId = useId();
  const isChinese = locale === "zh";
  const listed = useDeferredValue(query);
  const found = useFound(listed, isChinese);
  const isListShown = isOpen && query.trim() !== "";

  function choose(row: Found | undefined) {
    if (!row) return;
    goToFound(row);
    setIsOpen(false);
    document.querySelector<HTMLInputElement>("[data-search]")?.blur();
  }

  function press(event: KeyboardEvent<HTMLInputElement>) {
    // The list may lag behind quick typing; what is typed counts.
    if (event.key === "Enter") choose(listed === query ? found[at] : find(query, isChinese)[0]);
    else if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Escape") {
      setIsOpen(false);
      event.currentTarget.blur();
    } else return;
    event.preventDefault();
  }

  return (
    <div className="search" role="search">
      <Icon name="search" />
      <input
        data-search=""
        type="search"
        role="combobox"
        aria-label={t("viewer.search")}
        aria-expanded={isListShown}
        aria-controls={listId}
        aria-activedescendant={isListShown && found[at] ? `${listId}-${at}` : undefined}
        placeholder={t("viewer.searchHint")}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
          setIsOpen(true);
        }}
        onFocus={() => setIsOpen(true)}
        onBlur={() => setIsOpen(false)}
        onKeyDown={press}
      />
      <span className="th-kbd" aria-hidden="true">
        /
      </span>
      {isListShown && (
        <ul id={listId} className="found" role="listbox" aria-label={t("viewer.search")}>
          {found.map((row, index) => (
            <li
              key={`${row.kind}.${row.id}`}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === at}
              onPointerDown={(event) => {
                event.preventDefault();
                choose(row);
              }}
            >
              <Icon name={SIGN[row.kind]} />
              <b>{row.title}</b>
              <span>{detailOf(row, t)}</span>
            </li>
          ))}
          {found.length === 0 && <li className="th-faint">{t("viewer.foundNothing")}</li>}
        </ul>
      )}
    </div>
  );
}

function detailOf(row: Found, t: Translate): string {
  if (row.kind === "lot") return t("viewer.lotOf", { count: row.count, sku: row.detail });
  return row.kind === "slot" ? t("viewer.emptySlot") : row.detail;
}

function find(query: string, isChinese: boolean): Found[] {
  const { frame, stock, assets, lots } = useSite.getState();
  if (!frame || !stock) return [];
  return search(query, { layout: frame.layout, slots: frame.slots, units: stock.units.values(), assets: assets.values(), lots, isChinese });
}

function useFound(query: string, isChinese: boolean): Found[] {
  const version = useSite((state) => state.stockVersion);
  return useMemo(() => (version > 0 ? find(query, isChinese) : []), [query, version, isChinese]);
}
