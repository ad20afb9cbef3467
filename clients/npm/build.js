// dist/index.js is the widget as MiniRAG serves it, for bundlers: on a server that renders pages it does nothing.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const script = readFileSync(new URL("../../static/minirag/widget.js", import.meta.url), "utf8");
const dist = new URL("dist/", import.meta.url);
mkdirSync(dist, { recursive: true });
writeFileSync(new URL("index.js", dist), `if (typeof customElements !== "undefined") {\n${script}}\nexport {};\n`);
