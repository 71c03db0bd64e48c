/** A person has a device do something, and says why. */
import type { Device } from "@shared/api/types";
import { deviceName } from "@shared/device_name";
import { useWords } from "@shared/react/page";
import { Input, Radio } from "antd";
import { useState } from "react";
import { CommandDialog } from "../desk/command_dialog";
import { Field } from "../desk/field";

const REASON_LENGTH_MIN = 3;
const REASON_LENGTH_MAX = 200;

interface Choice {
  action: string;
  parameters: Readonly<Record<string, string>>;
}

/** Each order with each word of its parameter; orders that a person gives have one parameter at most. */
function choicesOf(device: Device): Choice[] {
  return Object.entries(device.orders).flatMap(([action, parameters]) => {
    const [first] = Object.entries(parameters);
    if (first === undefined) return [{ action, parameters: {} }];
    const [name, words] = first;
    return words.map((word) => ({ action, parameters: { [name]: word } }));
  });
}

export function OrderDialog({ device, onClose, onChanged }: { device: Device; onClose: () => void; onChanged: () => void }) {
  const { t } = useWords();
  const choices = choicesOf(device);
  const [chosen, setChosen] = useState(choices.length === 1 ? 0 : -1);
  const [reason, setReason] = useState("");
  const choice = choices[chosen];
  const isComplete = choice !== undefined && reason.trim().length >= REASON_LENGTH_MIN;
  return (
    <CommandDialog
      title={t("devices.orderTitle", { device: deviceName(device.device_id, t) })}
      path={`/devices/${encodeURIComponent(device.device_id)}/orders`}
      body={isComplete ? { ...choice, reason: reason.trim() } : null}
      action={t("devices.giveOrder")}
      onDone={onChanged}
      onClose={onClose}
    >
      <Radio.Group className="choices" value={chosen} onChange={(event) => setChosen(event.target.value as number)}>
        {choices.map(({ action, parameters }, index) => (
          <Radio key={index} value={index}>
            {t(["devices.order", action, ...Object.values(parameters)].join("."))}
          </Radio>
        ))}
      </Radio.Group>
      <Field name="reason" label={t("devices.orderReason")}>
        <Input maxLength={REASON_LENGTH_MAX} value={reason} onChange={(event) => setReason(event.target.value)} />
      </Field>
    </CommandDialog>
  );
}
