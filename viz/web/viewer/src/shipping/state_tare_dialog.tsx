/** What a vehicle weighs empty that never comes so: the keeper states it, and banks approve. */
import type { Visit } from "@shared/api/types";
import { formatCount } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { Input } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import { numberOf } from "../desk/lines";
import type { ShippingDialogProps } from "./dialogs";

const G_PER_KG = 1000;
/** As the server takes them. */
const [TARE_KG_MIN, TARE_KG_MAX] = [500, 60_000];
const DOCUMENT_LENGTH_MAX = 200;

interface StateTareProps extends ShippingDialogProps {
  visit: Pick<Visit, "vehicle_id" | "plate">;
}

export function StateTareDialog({ path, visit, ...rest }: StateTareProps) {
  const { t, locale } = useWords();
  const [massKg, setMassKg] = useState("");
  const [document, setDocument] = useState("");
  const mass = numberOf(massKg);
  const isTare = mass >= TARE_KG_MIN && mass <= TARE_KG_MAX;
  const isWhole = isTare && document.trim() !== "";
  const body = { vehicle_id: visit.vehicle_id, mass_g: Math.round(mass * G_PER_KG), document: document.trim() };
  const rule = Number.isNaN(mass) ? t("shipping.ruleMass") : t("shipping.ruleTare", { low: formatCount(TARE_KG_MIN, locale), high: formatCount(TARE_KG_MAX, locale) });
  const wrong = massKg.trim() === "" || isTare ? undefined : t("devices.mustBe", { rule });
  return (
    <CommandDialog {...rest} title={t("shipping.stateTareTitle", { plate: visit.plate })} path={`${path}/tares`} body={isWhole ? body : null} action={t("shipping.stateTareAct")}>
      <p>{t("shipping.stateTareHow")}</p>
      <Field label={t("shipping.tareKg")} name="mass_g" hint={t("shipping.tareKgHint")} wrong={wrong}>
        <Input inputMode="decimal" value={massKg} onChange={(event) => setMassKg(event.target.value)} />
      </Field>
      <Field label={t("shipping.tareDocument")} name="document" hint={t("shipping.tareDocumentHint")}>
        <Input maxLength={DOCUMENT_LENGTH_MAX} value={document} onChange={(event) => setDocument(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
