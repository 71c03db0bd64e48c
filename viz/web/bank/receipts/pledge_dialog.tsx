/** The controller pledges a receipt; the bank gives it back. */

import type { Facility, Receipt } from "@shared/api/types";
import { formatMoneyShort } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Select } from "antd";
import { useState } from "react";
import { facilitySite } from "../data/names";
import { useFacilities } from "../data/queries";
import { CommandDialog, Field } from "../parts/command_dialog";

export function PledgeDialog({ receipt, onClose }: { receipt: Receipt; onClose: () => void }) {
  const { t, locale } = useWords();
  const facilityText = (facility: Facility) =>
    `${facility.bank_name} · ${facilitySite(facility, locale)} · ${t("bank.limitOf", { limit: formatMoneyShort(facility.limit_fen, locale, facility.currency) })}`;
  const facilities = (useFacilities().data ?? []).filter((facility) => isFor(facility, receipt));
  const [facility_id, setFacility] = useState<string | null>(null);
  return (
    <CommandDialog
      title={t("bank.pledge")}
      path={`/receipts/${encodeURIComponent(receipt.receipt_id)}/pledge`}
      body={facility_id === null ? null : { facility_id }}
      action={t("bank.pledge")}
      onClose={onClose}
    >
      <p>{t("bank.pledgeHow", { count: receipt.unit_ids.length })}</p>
      <Field label={t("bank.facility")}>
        <Select
          {...(facility_id === null ? {} : { value: facility_id })}
          onChange={setFacility}
          options={facilities.map((facility) => ({ value: facility.facility_id, label: facilityText(facility) }))}
          notFoundContent={t("bank.noFacilities")}
        />
      </Field>
    </CommandDialog>
  );
}

function isFor(facility: { site_id: string; state: string }, receipt: Receipt): boolean {
  return facility.site_id === receipt.site_id && facility.state === "open";
}

export function ReleaseDialog({ receipt, onClose }: { receipt: Receipt; onClose: () => void }) {
  const { t } = useWords();
  return (
    <CommandDialog
      title={t("bank.release")}
      path={`/receipts/${encodeURIComponent(receipt.receipt_id)}/release`}
      body={{}}
      action={t("bank.release")}
      onClose={onClose}
    >
      <p>{t("bank.releaseHow", { depositor: receipt.depositor_name, count: receipt.unit_ids.length })}</p>
    </CommandDialog>
  );
}
