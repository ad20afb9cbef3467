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

