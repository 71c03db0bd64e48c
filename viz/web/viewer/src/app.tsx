import { DEFAULT_ZONE } from "@shared/i18n/format";
import { Loading, Problem, ShownZone } from "@shared/react/parts";
import { DEVICE_ROLES, SHIPPING_ROLES } from "@shared/react/bar";
import { useWords } from "@shared/react/page";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import "./app.css";
import { useKeys } from "./keys";
import { ActivityPanel } from "./panels/activity_panel";
import { AlarmsPanel } from "./panels/alarms_panel";
import { FreezeBanner, useAlarmTitle } from "./panels/freeze_banner";
import { Help } from "./panels/help";
import { HoverCard } from "./panels/hover_card";
import { LayersPanel } from "./panels/layers_panel";
import { NoSite } from "./panels/no_site";
import { SelectionPanel } from "./panels/selection_panel";
import { StockPanel } from "./panels/stock_panel";
import { TopBar } from "./panels/top_bar";
import { ViewpointsPanel } from "./panels/viewpoints_panel";
import { sceneLink, setSceneLink } from "./scene/current";
import type { Insets } from "./scene/camera";
import { SceneLink, type Hover } from "./scene/link";
import { showPlace, useHasRole, usePlace } from "./state/place";
import { onPoses, start } from "./state/start";
import { useSite } from "./state/site";
import { useView, type Sheet } from "./state/view";

/** Loaded when somebody opens them: most who watch a site never do. */
const DevicesPage = lazy(() => import("./devices/devices_page"));
const ShippingPage = lazy(() => import("./shipping/shipping_page"));

/** The operator's page: the scene fills the window, panels lie over it. */
export function App() {
  const { t } = useWords();
  const session = useSite((state) => state.session);
  const site = useSite((state) => state.site);
  const isReady = useSite((state) => state.frame !== null && state.stockVersion > 0);
  const zone = useSite((state) => state.frame?.layout.time_zone) ?? DEFAULT_ZONE;
  const failure = useSite((state) => state.failure);
  useEffect(start, []);
  useAlarmTitle();
  useKeys();

  if (failure !== null) {
    return (
      <div className="whole-page">
        <Problem error={failure} onRetry={() => window.location.reload()} />
      </div>
    );
  }
  if (session === null) return <div className="whole-page"><Loading /></div>;
  return (
    <ShownZone value={zone}>
      <div className="viewer">
        <TopBar session={session} />
        {site === null ? (
          <div className="whole-page">
            <NoSite session={session} />
          </div>
        ) : isReady ? (
          <Stage />
        ) : (
          <div className="whole-page"><Loading label={t("viewer.loadingScene")} /></div>
        )}
        <Help />
      </div>
    </ShownZone>
  );
}

const SHEETS: Exclude<Sheet, null>[] = ["stock", "alarms", "activity"];

function Stage() {
  const { t } = useWords();
  const [hover, setHover] = useState<Hover | null>(null);
  const sheet = useView((view) => view.sheet);
  const set = useView((view) => view.set);
  const stage = useScene(setHover);
  const place = usePlace();
  const maySee = { devices: useHasRole(DEVICE_ROLES), shipping: useHasRole(SHIPPING_ROLES) };
  useEffect(() => sceneLink()?.view.cover(place !== "site"), [place]);
  return (
    <main className="stage" ref={stage} data-sheet={sheet ?? "none"} data-place={place}>
      <canvas className="scene" tabIndex={0} aria-label={t("viewer.sceneLabel")} />
      <div className="labels" />
      <FreezeBanner />
      <aside className="dock dock-left" data-dock="left" aria-label={t("viewer.stock")}>
        <StockPanel />
        <LayersPanel />
        <ViewpointsPanel />
      </aside>
      <aside className="dock dock-right" data-dock="right" aria-label={t("viewer.alarms")}>
        <AlarmsPanel />
        <SelectionPanel />
      </aside>
      <section className="dock dock-bottom" data-dock="bottom" aria-label={t("viewer.activity")}>
        <ActivityPanel />
      </section>
      <nav className="sheets" aria-label={t("viewer.panels")}>
        {SHEETS.map((name) => (
          <button
            key={name}
            type="button"
            className="th-button"
            aria-pressed={sheet === name}
            onClick={() => {
              showPlace("site");
              set({ sheet: sheet === name ? null : name });
            }}
          >
            {t(`viewer.${name}`)}
          </button>
        ))}
        {(["shipping", "devices"] as const).filter((part) => maySee[part]).map((part) => (
          <button
            key={part}
            type="button"
            className="th-button"
            aria-pressed={place === part}
            onClick={() => showPlace(place === part ? "site" : part)}
          >
            {t(`common.${part}`)}
          </button>
        ))}
      </nav>
      <HoverCard hover={hover} />
      {place !== "site" && (
        <Suspense fallback={<section className="desk"><Loading /></section>}>
          {place === "devices" ? <DevicesPage /> : <ShippingPage />}
        </Suspense>
      )}
    </main>
  );
}

/** Makes the scene in the stage's canvas, and keeps its free part where the panels leave it. */
function useScene(onHover: (hover: Hover | null) => void) {
  const stage = useRef<HTMLElement>(null);
  useEffect(() => {
    const host = stage.current!;
    const { frame } = useSite.getState();
    const link = new SceneLink(host.querySelector("canvas")!, host.querySelector(".labels")!, frame!, onHover);
    const reducedMotion = window.matchMedia("(prefers-reduced-motion: reduce)");
    setSceneLink(link);
    const stopPoses = onPoses((poses) => {
      window.__tallyhouse.posesReceived += poses.length;
      link.view.movers.setPoses(poses, performance.now(), reducedMotion.matches);
      link.view.touch();
    });
    const measure = () => link.setInsets(insetsOf(host));
    const sizes = new ResizeObserver(measure);
    sizes.observe(host);
    host.querySelectorAll("[data-dock]").forEach((dock) => sizes.observe(dock));
    measure();
    openSelection();
    window.addEventListener("hashchange", openSelection);
    return () => {
      window.removeEventListener("hashchange", openSelection);
      sizes.disconnect();
      stopPoses();
      setSceneLink(null);
      link.dispose();
    };
  }, [onHover]);
  return stage;
}

/** Below this width panels are sheets over the scene, as `app.css` has it. */
const NARROW_PX = 900;

/** What the docks cover of the stage. Sheets of narrow screens lie over the scene and cover nothing. */
function insetsOf(host: HTMLElement): Insets {
  const whole = host.getBoundingClientRect();
  const dock = (name: string) => host.querySelector(`[data-dock="${name}"]`)!.getBoundingClientRect();
  if (whole.width < NARROW_PX) return { left: 0, right: 0, top: 0, bottom: 56 };
  return {
    left: dock("left").right - whole.left,
    right: whole.right - dock("right").left,
    top: host.querySelector(".freeze-banner")?.getBoundingClientRect().height ?? 0,
    bottom: whole.bottom - dock("bottom").top,
  };
}

/** Opens what the address names: `/viewer/#unit=…` or `#alarm=…`, as other pages link to it. */
function openSelection(): void {
  const [kind, id] = window.location.hash.slice(1).split("=");
  const { stock, alarms } = useSite.getState();
  const unit = kind === "unit" && id ? stock?.units.get(decodeURIComponent(id)) : undefined;
  const alarm = kind === "alarm" && id ? alarms.find((item) => item.alarm_id === decodeURIComponent(id)) : undefined;
  if (unit) {
    useView.getState().select({ kind: "unit", id: unit.unit_id });
    sceneLink()?.flyToUnit(unit);
  }
  if (alarm) {
    useView.getState().select({ kind: "alarm", id: alarm.alarm_id });
    sceneLink()?.flyToAlarm(alarm);
  }
}
