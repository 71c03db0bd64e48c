import { useWords } from "@shared/react/page";
import { Icon } from "@shared/react/parts";
import { useState } from "react";
import { VIEWPOINTS, type Pose6 } from "../scene/camera";
import { sceneLink } from "../scene/current";
import { useSite } from "../state/site";
import { Section } from "./section";

interface Saved {
  number: number;
  pose: Pose6;
}

/** Viewpoints a person may keep for one site, on this machine. */
const SAVED_MAX = 8;

const storeKey = (siteId: string) => `tallyhouse.viewpoints.${siteId}`;

function read(siteId: string): Saved[] {
  try {
    const saved = JSON.parse(window.localStorage.getItem(storeKey(siteId)) ?? "[]") as Saved[];
    return saved.filter((item) => Array.isArray(item.pose) && item.pose.length === 6).slice(0, SAVED_MAX);
  } catch {
    // What an older page or a hand wrote there cannot be read: it is the person's own list, and starts empty.
    return [];
  }
}

/** The views every site has, and those the person kept. */
export function ViewpointsPanel() {
  const { t } = useWords();
  const siteId = useSite((state) => state.site!.site_id);
  const [saved, setSaved] = useState(() => read(siteId));

  function keep(next: Saved[]) {
    setSaved(next);
    window.localStorage.setItem(storeKey(siteId), JSON.stringify(next));
  }

  function add() {
    const pose = sceneLink()?.view.camera.pose();
    const number = 1 + Math.max(0, ...saved.map((item) => item.number));
    if (pose && saved.length < SAVED_MAX) keep([...saved, { number, pose }]);
  }

  return (
    <Section
      title={t("viewer.viewpoints")}
      aside={
        <button
          type="button"
          className="th-button"
          data-kind="icon"
          title={t("viewer.keepView")}
          aria-label={t("viewer.keepView")}
          disabled={saved.length >= SAVED_MAX}
          onClick={add}
        >
          <Icon name="plus" />
        </button>
      }
    >
      <div className="viewpoints">
        {VIEWPOINTS.map((name) => (
          <button
            key={name}
            type="button"
            className="th-button"
            onClick={() => sceneLink()?.view.camera.goTo(name, useSite.getState().frame!)}
          >
            {t(`viewer.viewpoint.${name}`)}
          </button>
        ))}
        {saved.map((item) => (
          <span key={item.number} className="saved-view">
            <button type="button" className="th-button" onClick={() => sceneLink()?.view.camera.fly(item.pose)}>
              {t("viewer.savedView", { number: item.number })}
            </button>
            <button
              type="button"
              aria-label={t("viewer.forgetView", { number: item.number })}
              onClick={() => keep(saved.filter((other) => other !== item))}
            >
              <Icon name="close" />
            </button>
          </span>
        ))}
      </div>
    </Section>
  );
}
