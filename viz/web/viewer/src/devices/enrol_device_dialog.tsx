/** A device that hangs or stands at a place of the layout is enrolled: its kind, its mount, and how it is reached. */
import { api } from "@shared/api/client";
import type { Device, DeviceFamily, EnrolledDevice, FamilyParameter, Mount } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { Credential } from "@shared/react/credential";
import { i18n, useWords } from "@shared/react/page";
import { Loading, Problem } from "@shared/react/parts";
import { Input, Select } from "antd";
import { useEffect, useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";
import { sayRule } from "../desk/rules";
import { useSite } from "../state/site";
import { brokenRule, connectionOf, givenOf, isGiven, type Given } from "./connection";

const WIDTH_PX = 520;
const ID_LENGTH_MAX = 64;

/** What may be a device's name (`devices/registry/model.py`). */
const DEVICE_ID = /^[A-Za-z0-9._-]{1,64}$/;

interface Props {
  path: string;
  devices: readonly Device[];
  /** The device that is enrolled anew; null for one that is not known yet. */
  known: Device | null;
  onClose: () => void;
  onDone: () => void;
}

/** The mounts that the layout has for a family and that no device hangs on, or that of `known`, by name. */
export function freeMounts(mounts: readonly Mount[], devices: readonly Device[], family: string, known: Device | null = null): Mount[] {
  const others = devices.filter((device) => device.retired_at === null && device.device_id !== known?.device_id);
  const taken = new Set(others.map((device) => device.mount_id));
  return mounts.filter((mount) => mount.family === family && !taken.has(mount.mount_id)).sort((a, b) => a.mount_id.localeCompare(b.mount_id));
}

function useFamilies(): { families: readonly DeviceFamily[] | null; failure: unknown } {
  const [families, setFamilies] = useState<readonly DeviceFamily[] | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    api
      .get<DeviceFamily[]>("/device-families", { signal: stop.signal })
      .then(setFamilies)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) setFailure(error);
      });
    return () => stop.abort();
  }, []);
  return { families, failure };
}

export function EnrolDeviceDialog({ path, devices, known, onClose, onDone }: Props) {
  const { t, locale } = useWords();
  const { families, failure } = useFamilies();
  const mounts = useSite((state) => state.frame!.layout.mounts);
  const [name, setName] = useState<string | null>(known?.family ?? null);
  const [mount, setMount] = useState<string | null>(known?.mount_id ?? null);
  const [deviceId, setDeviceId] = useState("");
  const [given, setGiven] = useState<Given>(givenOf(known?.connection ?? {}));
  const family = families?.find((one) => one.family === name);
  const free = family ? freeMounts(mounts, devices, family.family, known) : [];
  const id = known?.device_id ?? (deviceId.trim() || mount || "");
  const isNamed = DEVICE_ID.test(id);
  const isTaken = known === null && devices.some((device) => device.device_id === id);
  const wrongName = id === "" ? undefined : !isNamed ? t("devices.mustBe", { rule: t("devices.ruleId") }) : isTaken ? t("devices.idInUse", { device: id }) : undefined;
  const isWhole = family !== undefined && isNamed && !isTaken && isGiven(family.parameters, given);
  const mountsText = (kind: string, count: number) =>
    count > 0 ? t("devices.freeMounts", { count }) : t(mounts.some((one) => one.family === kind) ? "devices.mountsTaken" : "devices.mountsNone");
  const choose = (chosen: string) => {
    setName(chosen);
    setMount(null);
    setGiven({});
  };
  return (
    <CommandDialog<EnrolledDevice>
      title={known === null ? t("devices.enrolDevice") : t("devices.enrolAnewTitle", { device: deviceName(id, t) })}
      path={`${path}/devices`}
      body={isWhole ? { device_id: id, family: family.family, mount_id: mount, subject_ref: known?.subject_ref ?? null, connection: connectionOf(family.parameters, given) } : null}
      action={t(known === null ? "devices.enrol" : "devices.enrolAnew")}
      isDanger={known !== null}
      width={WIDTH_PX}
      onClose={onClose}
      onDone={onDone}
      result={(enrolled) => <Enrolled enrolled={enrolled} family={family!} />}
    >
      <p>{t(known === null ? "devices.enrolDeviceHow" : "devices.enrolAnewHow")}</p>
      {failure !== null && <Problem error={failure} />}
      {families === null && failure === null && <Loading />}
      {families !== null && known === null && (
        <Field label={t("fields.family")} name="family">
          <Select
            showSearch={{ optionFilterProp: "label" }}
            value={name}
            onChange={choose}
            options={families
              .map((one) => ({ one, count: freeMounts(mounts, devices, one.family).length }))
              .sort((a, b) => b.count - a.count)
              .map(({ one, count }) => ({
                value: one.family,
                label: `${locale === "zh" ? one.name_zh : one.name_en} · ${mountsText(one.family, count)}`,
              }))}
          />
        </Field>
      )}
      {family !== undefined && (
        <>
          <Field label={t("fields.mount_id")} name="mount_id" hint={free.length === 0 ? t("devices.noMount") : t("devices.mountHow")}>
            <Select
              allowClear
              disabled={free.length === 0}
              value={mount}
              onChange={(chosen) => setMount(chosen ?? null)}
              options={free.map((one) => ({ value: one.mount_id, label: `${one.mount_id} · ${t("devices.serves", { what: one.serves })}` }))}
            />
          </Field>
          {known === null && (
            <Field label={t("fields.device_id")} name="device_id" hint={t("devices.deviceIdHow")} wrong={wrongName}>
              <Input maxLength={ID_LENGTH_MAX} placeholder={mount ?? ""} value={deviceId} onChange={(event) => setDeviceId(event.target.value)} />
            </Field>
          )}
          <Parameters key={family.family} parameters={family.parameters} given={given} onChange={setGiven} />
        </>
      )}
    </CommandDialog>
  );
}

interface ParametersProps {
  parameters: readonly FamilyParameter[];
  given: Given;
  onChange: (given: Given) => void;
}

/** What the device must be given, and, folded away, what it may be given. */
function Parameters({ parameters, given, onChange }: ParametersProps) {
  const { t } = useWords();
  const field = (one: FamilyParameter) => (
    <ParameterField key={one.name} parameter={one} value={given[one.name] ?? ""} onChange={(text) => onChange({ ...given, [one.name]: text })} />
  );
  const optional = parameters.filter((one) => !one.required);
  return (
    <>
      {parameters.filter((one) => one.required).map(field)}
      {optional.length > 0 && (
        <details className="more-fields">
          <summary>{t("devices.moreSettings", { count: optional.length })}</summary>
          {optional.map(field)}
        </details>
      )}
    </>
  );
}

interface ParameterFieldProps {
  parameter: FamilyParameter;
  value: string;
  onChange: (text: string) => void;
}

function ParameterField({ parameter, value, onChange }: ParameterFieldProps) {
  const { t, locale } = useWords();
  const { name, type, unit, choices } = parameter;
  const called = i18n.has(`devices.parameter.${name}`) ? t(`devices.parameter.${name}`) : name;
  const words = type === "boolean" ? ["true", "false"] : choices;
  const initial = [parameter.default ?? ""].flat().join(", ");
  const rule = brokenRule(parameter, value);
  const wrong = rule === null ? undefined : t("devices.mustBe", { rule: sayRule(rule, locale) });
  return (
    <Field label={unit === "" ? called : `${called} (${unit})`} name={`connection.${name}`} hint={locale === "en" ? parameter.text : undefined} wrong={wrong}>
      {words.length > 0 ? (
        <Select
          allowClear
          value={value || null}
          placeholder={type === "boolean" && initial !== "" ? t(`devices.truth.${initial}`) : initial}
          onChange={(chosen) => onChange(chosen ?? "")}
          options={words.map((word) => ({ value: word, label: type === "boolean" ? t(`devices.truth.${word}`) : word }))}
        />
      ) : type === "view" ? (
        <Input.TextArea className="th-mono" rows={3} value={value} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <Input placeholder={initial} value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}

/** What is to be done next; the secret, for families that sign in, is shown here and never again. */
function Enrolled({ enrolled, family }: { enrolled: EnrolledDevice; family: DeviceFamily }) {
  const { t } = useWords();
  const { device_id: device, site_id: site, secret } = enrolled;
  return (
    <div className="dialog-form" data-testid="device-enrolled">
      <p>{t("devices.deviceEnrolled", { device })}</p>
      {family.has_credential && (
        <>
          <p>{t("devices.signsInAs", { device, topic: `tallyhouse/v1/${site}/${device}/` })}</p>
          <Credential secret={secret} />
        </>
      )}
      <p>{t("devices.nowInvite")}</p>
    </div>
  );
}
