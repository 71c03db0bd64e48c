import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { useState, type ReactNode } from "react";
import { useSite } from "../state/site";
import { LAYERS, useView, type Layer } from "../state/view";
import { goToRack, goToZone } from "./go_to";
import { Section } from "./section";

/** The tree of what is drawn: each row flies there or shows and hides it. */
export function LayersPanel() {
  const { t } = useWords();
  return (
    <Section title={t("viewer.layers")} isFolded>
      <ul className="tree" role="tree" aria-label={t("viewer.layers")}>
        {LAYERS.map((layer) => (
          <LayerRow key={layer} layer={layer} />
        ))}
      </ul>
      <LevelFilter />
    </Section>
  );
}

function Eye({ isOn, what, onClick }: { isOn: boolean; what: string; onClick: () => void }) {
  const { t } = useWords();
  return (
    <button type="button" className="eye" aria-pressed={isOn} aria-label={t("viewer.show", { what })} onClick={onClick}>
      <Icon name={isOn ? "eye" : "eyeOff"} />
    </button>
  );
}

function LayerRow({ layer }: { layer: Layer }) {
  const { t } = useWords();
  const [isOpen, setIsOpen] = useState(false);
  const isHidden = useView((view) => view.hiddenLayers.has(layer));
  const toggle = useView((view) => view.toggleLayer);
  const hasChildren = layer === "zones" || layer === "racks";
  const name = t(`viewer.layer.${layer}`);
  return (
    <li role="treeitem" aria-expanded={hasChildren ? isOpen : undefined} aria-selected={false}>
      <div className="tree-row">
        {hasChildren ? (
          <button type="button" aria-label={t("viewer.unfold", { what: name })} onClick={() => setIsOpen(!isOpen)}>
            <Icon name={isOpen ? "chevronDown" : "chevronRight"} />
          </button>
        ) : (
          <span className="tree-gap" />
        )}
        <span className="tree-name">{name}</span>
        <Eye isOn={!isHidden} what={name} onClick={() => toggle(layer)} />
      </div>
      {isOpen && layer === "zones" && <Zones />}
      {isOpen && layer === "racks" && <Racks />}
    </li>
  );
}

function Child({ name, onGo, children }: { name: string; onGo: () => void; children?: ReactNode }) {
  return (
    <li role="treeitem" aria-selected={false} className="tree-row tree-child">
      <button type="button" className="tree-name" onClick={onGo}>
        {name}
      </button>
      {children}
    </li>
  );
}

function Zones() {
  const { locale } = useWords();
  const zones = useSite((state) => state.frame!.layout.zones);
  return (
    <ul role="group">
      {zones.map((zone) => (
        <Child
          key={zone.zone_id}
          name={(locale === "zh" ? zone.name_zh : zone.name_en) || zone.zone_id}
          onGo={() => goToZone(zone.zone_id)}
        />
      ))}
    </ul>
  );
}

function Racks() {
  const racks = useSite((state) => state.frame!.layout.racks);
  const hidden = useView((view) => view.hiddenRacks);
  const toggle = useView((view) => view.toggleRack);
  return (
    <ul role="group" className="tree-racks">
      {racks.map(({ rack_id: id }) => (
        <Child key={id} name={id} onGo={() => goToRack(id)}>
          <Eye isOn={!hidden.has(id)} what={id} onClick={() => toggle(id)} />
        </Child>
      ))}
    </ul>
  );
}

/** Shows the pallets of one level of the racks alone. */
function LevelFilter() {
  const { t } = useWords();
  const levels = useSite((state) => Math.max(0, ...state.frame!.layout.racks.map((rack) => rack.levels)));
  const { level, setLevel } = useView();
  const choices = [null, ...Array.from({ length: levels }, (_, index) => index + 1)];
  return (
    <div className="level-filter">
      <span className="th-soft">{t("viewer.level")}</span>
      <div className="th-segments" role="radiogroup" aria-label={t("viewer.level")}>
        {choices.map((choice) => (
          <button key={choice ?? 0} type="button" role="radio" aria-checked={level === choice} onClick={() => setLevel(choice)}>
            {choice ?? t("viewer.allLevels")}
          </button>
        ))}
      </div>
    </div>
  );
}
