/** A party, and when it did something. */
import { Moment } from "../parts/parts";

export function ByWhom({ name, at }: { name: string | null; at: string }) {
  return (
    <span className="name">
      {name ?? "–"}
      <small>
        <Moment at={at} />
      </small>
    </span>
  );
}
