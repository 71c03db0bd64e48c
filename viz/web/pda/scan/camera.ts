/** Reads codes with the camera. Loaded only when somebody opens the camera; the decoder is served by our own server. */

import { prepareZXingModule, type ReaderOptions, readBarcodes } from "zxing-wasm/reader";
import wasmAddress from "zxing-wasm/reader/zxing_reader.wasm?url";
import { type Reading, readText, type Unreadable } from "./reading";

/** Pause between two looks at the picture, in milliseconds. */
const LOOK_EVERY_MS = 120;

const OPTIONS: ReaderOptions = {
  formats: ["Code128", "QRCode", "DataMatrix", "EAN13", "EAN8", "UPCA", "ITF"],
  // Several labels may be in view; the first that reads is the one, the rest wait for the next question.
  maxNumberOfSymbols: 1,
  tryHarder: true,
  // Without this, GS1 codes come back with brackets for people, which cannot be taken apart again.
  textMode: "Plain",
};

/** The decoder would fetch its binary from a public address unless it is told ours. */
function prepare(): Promise<unknown> {
  const locateFile = (file: string, prefix: string) => (file.endsWith(".wasm") ? wasmAddress : prefix + file);
  return prepareZXingModule({ overrides: { locateFile }, fireImmediately: true });
}

/**
 * Shows the camera in `video` until a code is read or `signal` aborts, and answers with what it means.
 * Raises DOMException when there is no camera or it may not be used, and AbortError when aborted.
 */
export async function readWithCamera(video: HTMLVideoElement, signal: AbortSignal): Promise<Reading | Unreadable> {
  const constraints = { video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false };
  const [stream] = await Promise.all([navigator.mediaDevices.getUserMedia(constraints), prepare()]);
  try {
    video.srcObject = stream;
    await video.play();
    return await firstCode(video, signal);
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  }
}

async function firstCode(video: HTMLVideoElement, signal: AbortSignal): Promise<Reading | Unreadable> {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) throw new Error("this browser cannot read pictures");
  for (;;) {
    signal.throwIfAborted();
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    if (canvas.width > 0) {
      context.drawImage(video, 0, 0);
      const [found] = await readBarcodes(context.getImageData(0, 0, canvas.width, canvas.height), OPTIONS);
      if (found?.isValid === true) return readText(found.text, found.symbologyIdentifier || "camera");
    }
    await pause(LOOK_EVERY_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resume) => {
    window.setTimeout(resume, ms);
  });
}
