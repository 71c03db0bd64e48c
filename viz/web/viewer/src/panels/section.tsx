import { Icon } from "@shared/react/parts";
import { useState, type ReactNode } from "react";

/** A part of a dock with a heading that folds it. `aside` stands at the right of the heading. */
export function Section(props: { title: string; aside?: ReactNode; isFolded?: boolean; children: ReactNode }) {
  const [isFolded, setIsFolded] = useState(props.isFolded ?? false);
  return (
    <section className="section">
      <header>
        <h2>
          <button type="button" aria-expanded={!isFolded} onClick={() => setIsFolded(!isFolded)}>
            <Icon name={isFolded ? "chevronRight" : "chevronDown"} />
            {props.title}
          </button>
        </h2>
        {props.aside}
      </header>
      {!isFolded && props.children}
    </section>
  );
}
