/** Small parts of the handheld's screens. */

import { ICONS, type IconName, MARKS, type MarkName } from "@shared/icons";
import type { ComponentChildren } from "preact";
import { t } from "../texts";

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="th-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

export function Mark({ name }: { name: MarkName }) {
  return (
    <svg class="th-mark" viewBox="0 0 16 16" aria-hidden="true">
      <path d={MARKS[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}

/** An octagon with a cross: the sign of every stop, told from the tick of success by its outline alone. */
export function StopSign() {
  return (
    <svg class="sign-stop" viewBox="0 0 16 16" aria-hidden="true">
      <path d={MARKS.octagon} />
      <path d="M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6" />
    </svg>
  );
}

/** One button of the lower third. `kind` primary is the one thing to do next. */
export function Action(props: {
  kind?: "primary" | "plain";
  icon?: IconName;
  onClick: () => void;
  children: ComponentChildren;
}) {
  return (
    <button type="button" class="action" data-kind={props.kind ?? "plain"} onClick={props.onClick}>
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </button>
  );
}

/** The last digits of an SSCC are the ones people compare, so they stand out. */
export function PalletCode({ sscc }: { sscc: string | null }) {
  if (sscc === null) return <span class="code">{t("pda.noLabel")}</span>;
  if (!/^\d{18}$/.test(sscc)) return <span class="code">{sscc}</span>;
  return (
    <span class="code" aria-label={sscc} title={sscc}>
      <span class="code-head">{`${sscc.slice(0, 1)} ${sscc.slice(1, 8)} ${sscc.slice(8, 13)}`}</span>{" "}
      <b>{sscc.slice(13)}</b>
    </span>
  );
}

/** Where to go: the code large, and for a slot its parts by name, as they are painted on the rack. */
export function PlaceCode({ code }: { code: string }) {
  const parts = /^(.+)-(\d{2,3})-(\d{1,2})$/.exec(code);
  if (parts === null) return <div class="place">{code}</div>;
  const [, rack, bay, level] = parts;
  return (
    <div class="place" aria-label={code}>
      <PlacePart name={t("pda.rack")} value={rack} />
      <PlacePart name={t("pda.bay")} value={bay} />
      <PlacePart name={t("pda.level")} value={level} />
    </div>
  );
}

function PlacePart({ name, value }: { name: string; value: string | undefined }) {
  return (
    <div class="place-part">
      <b>{value}</b>
      <span>{name}</span>
    </div>
  );
}

export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
