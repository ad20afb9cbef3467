/** `import "@minirag/widget/vue"`: the element in templates, where `@message="…"` hears its events. */
import type { MiniRagAttributes, MiniRagEvents } from "./index.js";

type Heard = {
  [Name in keyof MiniRagEvents as `on${Capitalize<Name>}`]?: (event: CustomEvent<MiniRagEvents[Name]>) => void;
};
type Component = new () => { $props: MiniRagAttributes & Heard };

declare module "vue" {
  interface GlobalComponents {
    MiniragWidget: Component;
    "minirag-widget": Component;
  }
}

export * from "./index.js";
