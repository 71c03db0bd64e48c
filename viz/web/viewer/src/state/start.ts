/** Opens the site of the address and keeps the live line; the page calls it once. */
import { ApiProblem } from "@shared/api/client";
import type { Pose } from "../model/wire";
import { LiveLink } from "./live";
import { openSite, rereadSite, takeMessage, useSite } from "./site";

type PoseListener = (poses: Pose[]) => void;

const poseListeners = new Set<PoseListener>();

/** Poses go past the store, straight to the scene: they come many times a second and no panel shows them. */
export function onPoses(listener: PoseListener): () => void {
  poseListeners.add(listener);
  return () => poseListeners.delete(listener);
}

/** Starts; the answer stops the line. Failures are told in the store, where the page shows them. */
export function start(): () => void {
  const wanted = new URLSearchParams(window.location.search).get("site");
  let link: LiveLink | null = null;
  let isStopped = false;
  const open = async () => {
    const resume = await openSite(wanted);
    const { site } = useSite.getState();
    if (site === null || isStopped) return;
    link = new LiveLink(site.site_id, {
      onState: (state) => useSite.setState({ link: state }),
      onPoses: ({ poses }) => poseListeners.forEach((listener) => listener(poses)),
      onMessage: takeMessage,
      onReopen: rereadSite,
      onBadFrame: () => useSite.setState((state) => ({ badFrames: state.badFrames + 1 })),
    });
    link.start(resume);
  };
  open().catch((failure: unknown) => {
    const isSignedOut = failure instanceof ApiProblem && failure.status === 401;
    if (!isSignedOut) useSite.setState({ failure });
  });
  return () => {
    isStopped = true;
    link?.stop();
  };
}
