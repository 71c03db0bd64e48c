/** What vehicles of a site were said to weigh empty: the bank compares it with the scale, and approves or refuses. */

import type { Tare, WeighedStay } from "@shared/api/types";
import { formatMass } from "@shared/i18n/format";
import { useWords } from "@shared/react/page";
import { TareState, tareState } from "@shared/react/tare_state";
import { useTares, waitsForOurAnswer } from "../data/queries";
import { mayAnswerTares } from "../data/rights";
import { CommandDialog, DialogButton } from "../parts/command_dialog";
import { type Column, DataTable, ExportButton } from "../parts/data_table";
import { Answer, Moment, Pairs, Panel } from "../parts/parts";
import { ReasonDialog } from "../parts/reason_dialog";
import { useSignedIn } from "../parts/session";
import { ByWhom } from "./by_whom";

export function TaresPanel({ siteId, site }: { siteId: string; site: string }) {
  const { t } = useWords();
  const query = useTares(siteId);
  const columns = useTareColumns();
  return (
    <Answer query={query}>
      {(tares) => {
        if (tares.length === 0) return null;
        const waiting = tares.filter(waitsForOurAnswer).length;
        const note = waiting > 0 ? t("bank.taresWaiting", { count: waiting }) : t("bank.taresAnswered");
        return (
          <Panel title={t("bank.tares", { site })} note={note} actions={<ExportButton name="tares" columns={columns} rows={tares} />}>
            <DataTable columns={columns} rows={tares.toSorted((a, b) => urgency(a) - urgency(b))} rowKey={(tare) => tare.tare_id} empty={{ title: "" }} detail={(tare) => <Stays stays={tare.stays} />} />
          </Panel>
        );
      }}
    </Answer>
  );
}

/** What waits for the bank stands first, what has ended last. */
function urgency(tare: Tare): number {
  if (tare.ended_at !== null) return 2;
  return waitsForOurAnswer(tare) ? 0 : 1;
}

function useTareColumns(): Column<Tare>[] {
  const { t, locale } = useWords();
  const mayAnswer = mayAnswerTares(useSignedIn());
  return [
    {
      key: "vehicle",
      title: t("bank.tareVehicle"),
      draw: (tare) => (
        <span className="name">
          {tare.plate}
          <small>{tare.document}</small>
        </span>
      ),
      value: (tare) => tare.plate,
    },
    { key: "document", title: t("tare.document"), isFileOnly: true, draw: (tare) => tare.document, value: (tare) => tare.document },
    { key: "mass", title: t("tare.mass"), isNumber: true, draw: (tare) => formatMass(tare.mass_g, locale), value: (tare) => tare.mass_g },
    {
      key: "weighed",
      title: t("bank.tareWeighed"),
      draw: (tare) => <Least stays={tare.stays} />,
      value: (tare) => leastOf(tare.stays) ?? "",
    },
    {
      key: "stated",
      title: t("bank.tareStatedBy"),
      draw: (tare) => <ByWhom name={tare.proposed_by} at={tare.proposed_at} />,
      value: (tare) => tare.proposed_by ?? "",
    },
    { key: "answers", title: t("tare.answers"), draw: (tare) => <TareState tare={tare} />, value: (tare) => t(`tare.state.${tareState(tare)}`) },
    { key: "act", title: "", draw: (tare) => mayAnswer && <Act tare={tare} />, value: () => "" },
  ];
}

function leastOf(stays: readonly WeighedStay[]): number | null {
  const masses = stays.flatMap((stay) => [stay.entry_mass_g, stay.exit_mass_g]).filter((mass) => mass !== null);
  return masses.length === 0 ? null : Math.min(...masses);
}

function Least({ stays }: { stays: readonly WeighedStay[] }) {
  const { t, locale } = useWords();
  const least = leastOf(stays);
  return least === null ? t("bank.tareNeverWeighed") : t("bank.tareLeast", { mass: formatMass(least, locale) });
}

/** Every weighing of the vehicle here, by its stays. */
function Stays({ stays }: { stays: readonly WeighedStay[] }) {
  const { t } = useWords();
  if (stays.length === 0) return <p>{t("bank.tareNeverWeighed")}</p>;
  return (
    <table className="stays">
      <thead>
        <tr>
          <th scope="col">{t("bank.tareCameWith")}</th>
          <th scope="col">{t("bank.tareLeftWith")}</th>
        </tr>
      </thead>
      <tbody>
        {stays.map((stay) => (
          <tr key={stay.visit_id}>
            <Weighing mass={stay.entry_mass_g} at={stay.admitted_at} />
            <Weighing mass={stay.exit_mass_g} at={stay.left_at} note={stay.left_refused ? t("bank.tarePastRefusal") : null} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Weighing({ mass, at, note = null }: { mass: number | null; at: string | null; note?: string | null }) {
  const { locale } = useWords();
  return (
    <td>
      {mass === null ? "–" : formatMass(mass, locale)}
      {at !== null && (
        <small>
          <Moment at={at} />
        </small>
      )}
      {note !== null && <small>{note}</small>}
    </td>
  );
}

function Act({ tare }: { tare: Tare }) {
  const { t } = useWords();
  const path = `/tares/${encodeURIComponent(tare.tare_id)}`;
  if (waitsForOurAnswer(tare)) {
    return (
      <span className="device-acts">
        <DialogButton text={t("bank.approveTare")} kind="primary" dialog={(close) => <ApproveDialog tare={tare} path={`${path}/approve`} onClose={close} />} />
        <DialogButton
          text={t("bank.refuse")}
          dialog={(close) => (
            <ReasonDialog title={t("bank.refuseTareTitle", { plate: tare.plate })} path={`${path}/refuse`} how={t("bank.refuseTareHow")} action={t("bank.refuse")} onClose={close} />
          )}
        />
      </span>
    );
  }
  const isApprovedByUs = tare.answers.some((one) => one.is_own && one.is_approved);
  if (tare.ended_at !== null || !isApprovedByUs) return null;
  return (
    <DialogButton
      text={t("tare.withdraw")}
      dialog={(close) => (
        <ReasonDialog title={t("tare.withdrawTitle", { plate: tare.plate })} path={`${path}/withdraw`} how={t("tare.withdrawHow")} action={t("tare.withdraw")} onClose={close} />
      )}
    />
  );
}

function ApproveDialog({ tare, path, onClose }: { tare: Tare; path: string; onClose: () => void }) {
  const { t, locale } = useWords();
  const mass = formatMass(tare.mass_g, locale);
  return (
    <CommandDialog title={t("bank.approveTareTitle", { mass, plate: tare.plate })} path={path} body={{}} action={t("bank.approveTare")} onClose={onClose}>
      <p>{t("bank.approveTareHow")}</p>
      <Pairs
        rows={[
          [t("tare.mass"), mass],
          [t("tare.document"), tare.document],
          [t("bank.tareStatedBy"), tare.proposed_by],
        ]}
      />
      <Stays stays={tare.stays} />
    </CommandDialog>
  );
}
