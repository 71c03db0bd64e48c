/** The bank opens a credit line: for which borrower, against stock at which site, how much and at what rate. */

import { useWords } from "@shared/react/page";
import { Input, Select } from "antd";
import { useState } from "react";
import { parseYuan } from "../data/money";
import { siteText } from "../data/names";
import { useInspectedSites, useOwners } from "../data/queries";
import { parsePercent } from "../data/share";
import { CommandDialog, Field } from "../parts/command_dialog";

/** The product's default, in per cent of what the goods are worth. */
const ADVANCE_PERCENT = "70";

/** A year, in per cent (`finance/facilities/model.py`). */
const RATE_PERCENT_MAX = 36;

export function OpenDialog({ onClose }: { onClose: () => void }) {
  const { t, locale } = useWords();
  const owners = useOwners().data ?? [];
  const sites = useInspectedSites().data ?? [];
  const [borrower_party_id, setBorrower] = useState<string | null>(null);
  const [site_id, setSite] = useState<string | null>(null);
  const [limit, setLimit] = useState("");
  const [yearly, setYearly] = useState("");
  const [advance, setAdvance] = useState(ADVANCE_PERCENT);
  const limit_fen = parseYuan(limit);
  const rate = parsePercent(yearly, RATE_PERCENT_MAX);
  const advance_rate = parsePercent(advance);
  const isComplete = borrower_party_id !== null && site_id !== null && limit_fen !== null && rate !== null && advance_rate !== null;
  const notShare = (text: string, share: string | null, most = 100) => (text !== "" && share === null ? t("bank.notAShare", { most }) : undefined);
  return (
    <CommandDialog
      title={t("bank.openLine")}
      path="/facilities"
      body={isComplete ? { borrower_party_id, site_id, limit_fen, rate, rule: { advance_rate } } : null}
      action={t("bank.openLine")}
      onClose={onClose}
    >
      <Field label={t("bank.borrower")}>
        <Select
          showSearch={{ optionFilterProp: "label" }}
          {...(borrower_party_id === null ? {} : { value: borrower_party_id })}
          onChange={setBorrower}
          options={owners.map((owner) => ({ value: owner.party_id, label: owner.name }))}
          notFoundContent={t("bank.noOwners")}
        />
      </Field>
      <Field label={t("bank.site")} hint={t("bank.siteHint")}>
        <Select
          {...(site_id === null ? {} : { value: site_id })}
          onChange={setSite}
          options={sites.map((site) => ({ value: site.site_id, label: siteText(site, locale) }))}
          notFoundContent={t("bank.noInvitation")}
        />
      </Field>
      <Field label={t("bank.limit")} name="limit_fen" wrong={limit !== "" && limit_fen === null ? t("bank.notAnAmount") : undefined}>
        <Input value={limit} inputMode="decimal" prefix="¥" onChange={(event) => setLimit(event.target.value)} />
      </Field>
      <Field label={t("bank.rate")} name="rate" wrong={notShare(yearly, rate, RATE_PERCENT_MAX)}>
        <Input value={yearly} inputMode="decimal" suffix="%" onChange={(event) => setYearly(event.target.value)} />
      </Field>
      <Field label={t("bank.advanceRate")} name="rule.advance_rate" hint={t("bank.advanceHint")} wrong={notShare(advance, advance_rate)}>
        <Input value={advance} inputMode="decimal" suffix="%" onChange={(event) => setAdvance(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
