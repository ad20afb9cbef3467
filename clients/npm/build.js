// dist/index.js is the widget as MiniRAG serves it, for bundlers, with what it fetches there when a chat is opened: a page
// needs no other script to show an answer. On a server that renders pages it does nothing.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(`../../static/minirag/${name}.js`, import.meta.url), "utf8");
const dist = new URL("dist/", import.meta.url);
mkdirSync(dist, { recursive: true });
const scripts = ["widget", "chat", "markdown"].map(read).join("\n");
writeFileSync(new URL("index.js", dist), `if (typeof customElements !== "undefined") {\n${scripts}}\nexport {};\n`);
