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
    const rendered = renderMarkdown(text.textContent, mark, { words: COPY });
    text.classList.add("mr-rendered");
    text.replaceChildren(rendered);
  }
})();
