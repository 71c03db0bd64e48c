/**
 * Tells the worker, who is not looking, what became of a scan: by sound, by vibration and by colour at once.
 * Sounds are made here and need no file. A browser lets a page sound only after the first touch of a shift.
 */

import { signal } from "@preact/signals";
import type { Signal } from "../flow/flow";

interface Tone {
  readonly frequencyHz: number;
  readonly startS: number;
  readonly lengthS: number;
}

interface Feedback {
  readonly wave: OscillatorType;
  readonly tones: readonly Tone[];
  /** Milliseconds of vibration, pause, vibration, … */
  readonly vibrationMs: readonly number[];
}

/** Rising and short for good, low and long for bad: told apart through ear protection and engine noise. */
const FEEDBACK: Readonly<Record<Signal, Feedback>> = {
  accepted: {
    wave: "sine",
    tones: [
      { frequencyHz: 1047, startS: 0, lengthS: 0.09 },
      { frequencyHz: 1568, startS: 0.1, lengthS: 0.14 },
    ],
    vibrationMs: [70],
  },
  noted: { wave: "sine", tones: [{ frequencyHz: 1047, startS: 0, lengthS: 0.08 }], vibrationMs: [30] },
  refused: {
    wave: "square",
    tones: [
      { frequencyHz: 175, startS: 0, lengthS: 0.22 },
      { frequencyHz: 140, startS: 0.28, lengthS: 0.42 },
    ],
    vibrationMs: [220, 90, 220, 90, 320],
  },
};

const VOLUME = 0.35;

/** The signal given last, with a count so that the same one twice shows twice. */
export const lastSignal = signal<{ readonly kind: Signal; readonly count: number } | null>(null);

let audio: AudioContext | null = null;

/** Call on the first touch or key: browsers keep a page silent until then. */
export function unlockSound(): void {
  audio ??= new AudioContext();
  void audio.resume();
}

export function give(kind: Signal): void {
  lastSignal.value = { kind, count: (lastSignal.value?.count ?? 0) + 1 };
  if (typeof navigator.vibrate === "function") navigator.vibrate([...FEEDBACK[kind].vibrationMs]);
  if (audio !== null) sound(audio, FEEDBACK[kind]);
}

function sound(context: AudioContext, { wave, tones }: Feedback): void {
  for (const tone of tones) {
    const start = context.currentTime + tone.startS;
    const oscillator = new OscillatorNode(context, { type: wave, frequency: tone.frequencyHz });
    const gain = new GainNode(context, { gain: 0 });
    // A ramp of a few milliseconds at either end keeps the speaker from clicking.
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(VOLUME, start + 0.008);
    gain.gain.setValueAtTime(VOLUME, start + tone.lengthS - 0.02);
    gain.gain.linearRampToValueAtTime(0, start + tone.lengthS);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(start + tone.lengthS);
  }
}
