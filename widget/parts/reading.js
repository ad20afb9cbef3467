  // --- Answers as Markdown, which is fetched when a chat begins; until it is there, as they are written ---
  /** The text itself, with its numbers. `again` shows it as Markdown. */
  function plainText(text, mark, way) {
    const shown = text.split(/\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/).flatMap((part, at) => {
      const marks = at % 2 ? part.split(",").map(Number).map(mark).filter(Boolean) : [part];
      return marks.length ? marks : `[${part}]`;
    });
    const box = build("div", { className: "plain", dir: "auto" }, ...shown);
    box.again = () => box.replaceWith(own.markdown.renderMarkdown(text, mark, way));
    return box;
  }

  const renderMarkdown = (...given) => (own.markdown ? own.markdown.renderMarkdown(...given) : plainText(...given));
  const drawMarkdown = (body, ...given) =>
    own.markdown ? own.markdown.drawMarkdown(body, ...given) : body.replaceChildren(plainText(...given));
