/*
 * A chat's page in the admin: its texts as visitors see them, and each number of a citation opens its passage.
 * Made of widget/ by `python -m widget.build`: change the files there. Text of the page stays text nodes.
 */
(() => {
  "use strict";
  const ICONS = {};

  // --- Small builders ---
  /** An element with properties ("aria-…", "data-…" and other dashed names become attributes) and children. */
  function build(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name.includes("-") || name === "role") element.setAttribute(name, value);
      else element[name] = value;
    }
    element.append(...children);
    return element;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const line of ICONS[name]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", line);
      if (name === "stop") path.setAttribute("fill", "currentColor");
      svg.append(path);
    }
    return svg;
  }

  const iconButton = (name, label, onclick, more) =>
    build("button", { type: "button", title: label, "aria-label": label, onclick, ...more }, icon(name));

  /** A random UUID; crypto.randomUUID exists on secure origins only. */
  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  const safeUrl = (text) => (/^https?:\/\/\S+$/i.test(text) ? text : null);

  const tellCitation = ({ number, title, url, page }) => ({ number, title, url: safeUrl(url || "") || "", page: page || null });

  const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
  const NEW_TAB = { target: "_blank", rel: "noopener noreferrer nofollow" };
  const link = (href, text) => build("a", { href, ...NEW_TAB }, text);

  // --- Markdown, as far as answers use it ---
  const INLINE = new RegExp(
    [
      "`([^`\\n]+)`", // 1 code
      "\\*\\*(\\S(?:[^\\n]*?\\S)?)\\*\\*", // 2 bold
      "\\*(\\S(?:[^*\\n]*?\\S)?)\\*", // 3 italics
      "_(\\S(?:[^_\\n]*?\\S)?)_(?![\\p{L}\\p{N}_])", // 4 italics
      "\\[([^\\]\\n]+)\\]\\(([^\\s()]+)\\)", // 5 text and 6 target of a link
      "\\[(\\d{1,3}(?:\\s*,\\s*\\d{1,3})*)\\]", // 7 citation markers
      "(https?://[^\\s<>()\\[\\]]*[^\\s<>()\\[\\].,;:!?'\"*_])", // 8 a bare URL
    ].join("|"),
    "gu",
  );

  /** Nodes for one stretch of text. `mark(number)` gives the node of a citation, or null to leave the text alone. */
  function renderInline(text, mark) {
    const nodes = [];
    let end = 0;
    for (const match of text.matchAll(INLINE)) {
      const [whole, code, bold, star, underscore, label, target, numbers, bare] = match;
      let made = null;
      if (code) made = [build("code", {}, code)];
      else if (bold) made = [build("strong", {}, ...renderInline(bold, mark))];
      else if (underscore && /[\p{L}\p{N}_]$/u.test(text.slice(0, match.index))) made = null; // snake_case_name
      else if (star || underscore) made = [build("em", {}, ...renderInline(star || underscore, mark))];
      else if (label) made = safeUrl(target) && [link(safeUrl(target), label)];
      else if (numbers) made = numbers.split(",").map((number) => mark(Number(number))).filter(Boolean);
      else if (bare) made = safeUrl(bare) && [link(safeUrl(bare), bare)];
      if (!made || !made.length) continue;
      nodes.push(text.slice(end, match.index), ...made);
      end = match.index + whole.length;
    }
    return [...nodes, text.slice(end)].filter((node) => node !== "");
  }

  const LIST_ITEM = /^\s*(?:[-*•]|(\d{1,3})[.)])\s+(.*)$/;

  /** Paragraphs, lists, fenced code and headings (as bold paragraphs) of an answer. */
  function renderMarkdown(text, mark) {
    const blocks = document.createDocumentFragment();
    const lines = text.replace(/\r\n?/g, "\n").split("\n");
    for (let at = 0; at < lines.length; ) {
      const start = at;
      if (!lines[at].trim()) {
        at += 1;
      } else if (lines[at].trimStart().startsWith("```")) {
        for (at += 1; at < lines.length && !lines[at].trimStart().startsWith("```"); ) at += 1;
        blocks.append(build("pre", {}, build("code", {}, lines.slice(start + 1, at).join("\n"))));
        at += 1;
      } else if (LIST_ITEM.test(lines[at])) {
        const list = build(LIST_ITEM.exec(lines[at])[1] ? "ol" : "ul", { dir: "auto" });
        if (list.tagName === "OL") list.start = Number(LIST_ITEM.exec(lines[at])[1]);
        for (; at < lines.length && lines[at].trim(); at += 1) {
          const item = LIST_ITEM.exec(lines[at]);
          if (item) list.append(build("li", {}, ...renderInline(item[2], mark)));
          else list.lastChild.append(" ", ...renderInline(lines[at].trim(), mark));
        }
        blocks.append(list);
      } else if (/^#{1,6}\s/.test(lines[at])) {
        const heading = lines[at].replace(/^#+\s+/, "");
        blocks.append(build("p", { dir: "auto" }, build("strong", {}, ...renderInline(heading, mark))));
        at += 1;
      } else {
        while (at < lines.length && lines[at].trim() && !/^\s*```|^#{1,6}\s/.test(lines[at])) {
          if (at > start && LIST_ITEM.test(lines[at])) break;
          at += 1;
        }
        const nodes = lines.slice(start, at).flatMap((line) => [build("br"), ...renderInline(line, mark)]);
        blocks.append(build("p", { dir: "auto" }, ...nodes.slice(1)));
      }
    }
    return blocks;
  }

  /** Open a citation below its answer, and bring it into sight. */
  const openCitation = (details) => {
    details.open = true;
    details.scrollIntoView({ block: "nearest" });
    details.querySelector("summary").focus({ preventScroll: true });
  };

  for (const text of document.querySelectorAll(".mr-thread [data-markdown]")) {
    const article = text.closest("article");
    const mark = (number) => {
      const cited = article.querySelector(`[data-citation="${number}"]`);
      if (!cited) return document.createTextNode(`[${number}]`);
      return build("button", { type: "button", className: "mr-mark", "aria-label": cited.dataset.label, onclick: () => openCitation(cited) }, `[${number}]`);
    };
    const rendered = renderMarkdown(text.textContent, mark);
    text.classList.add("mr-rendered");
    text.replaceChildren(rendered);
  }
})();
