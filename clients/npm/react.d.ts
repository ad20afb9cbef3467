/** `import "@minirag/widget/react"`: the element in JSX. React 19 takes its events as `onmessage={…}` and so on. */
import type * as React from "react";
import type { MiniRagAttributes, MiniRagEvents, MiniRagWidget } from "./index.js";

type Heard = { [Name in keyof MiniRagEvents as `on${Name}`]?: (event: CustomEvent<MiniRagEvents[Name]>) => void };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "minirag-widget": MiniRagAttributes & Heard & { class?: string; id?: string; key?: React.Key; ref?: React.Ref<MiniRagWidget> };
    }
  }
}

export * from "./index.js";
