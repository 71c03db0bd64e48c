import { Modal } from "antd";
import { useWords } from "@shared/react/page";
import { KEYS } from "../keys";
import { useView } from "../state/view";

export function Help() {
  const { t } = useWords();
  const { isHelpOpen, set } = useView();
  return (
    <Modal open={isHelpOpen} title={t("viewer.help")} footer={null} width={460} onCancel={() => set({ isHelpOpen: false })}>
      <p className="th-soft">{t("viewer.helpMouse")}</p>
      <dl className="keys">
        {KEYS.map(([keys, text]) => (
          <div key={text}>
            <dt>
              {keys.split(" ").map((key, index) => (key === "–" ? <span key={index}> – </span> : <span key={index} className="th-kbd">{key}</span>))}
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
