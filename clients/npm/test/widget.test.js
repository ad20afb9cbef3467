import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const packed = readFileSync(new URL("../dist/index.js", import.meta.url), "utf8");
const types = readFileSync(new URL("../index.d.ts", import.meta.url), "utf8");

test("a server that renders pages can import it", async () => {
  assert.deepEqual(Object.keys(await import("@minirag/widget")), []);
});

test("it is the widget that MiniRAG serves, whose size tests/test_widget_parts.py bounds", () => {
  for (const name of ["widget", "chat", "markdown"]) {
    assert.ok(packed.includes(readFileSync(new URL(`../../../static/minirag/${name}.js`, import.meta.url), "utf8")), name);
  }
});

/** A page as far as defining the element needs one. */
test("what the types promise is there", async () => {
  class Element {}
  const defined = {};
  const page = { customElements: { get: (name) => defined[name], define: (name, made) => (defined[name] = made) } };
  Object.assign(globalThis, page, { HTMLElement: Element, document: { readyState: "complete", querySelectorAll: () => [] } });
  await import("../dist/index.js?page");
  const prototype = defined["minirag-widget"].prototype;
  const methods = [...types.matchAll(/^ {2}(\w+)\(.*\): (?:Promise|void)/gm)].map((found) => found[1]);
  assert.ok(methods.length >= 8);
  for (const name of methods) assert.equal(typeof prototype[name], "function", name);
  const properties = types.slice(types.indexOf("extends HTMLElement {"), types.indexOf("open():"));
  for (const [, name] of properties.matchAll(/^ {2}(\w+): string;/gm)) {
    assert.ok(Object.getOwnPropertyDescriptor(prototype, name)?.set, name);
  }
  const told = [...packed.matchAll(/\.announce\("(\w+)"/g)].map((found) => found[1]);
  const promised = types.slice(types.indexOf("interface MiniRagEvents"), types.indexOf("interface MiniRagContext"));
  const names = [...promised.matchAll(/^ {2}(\w+): /gm)].map((found) => found[1]);
  assert.deepEqual([...new Set(told)].sort(), names.sort());
});
