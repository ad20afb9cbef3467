  // --- Markdown onto the page, while it is still being written too ---
  /** Nodes for a text that is complete. */
  function renderMarkdown(text, mark, way) {
    const made = document.createDocumentFragment();
    for (const token of lex(text)) made.append(...purified(token, { ...way, mark }));
    return made;
  }

  /** Show a text that grows: blocks that stay what they were stay untouched, others change no more than they must. */
  function drawMarkdown(body, text, mark, way) {
    const before = body.drawn || [];
    if (!body.drawn) body.replaceChildren();
    body.drawn = lex(way.isGrowing ? settle(text) : text).map((token, at) => {
      const old = before[at];
      const key = `${token.type} ${Boolean(way.isGrowing)} ${token.raw.trimEnd()}`;
      if (old && old.key === key) return old;
      const nodes = purified(token, { ...way, mark });
      if (!old) return body.append(...nodes), { key, nodes };
      return { key, nodes: grow(old.nodes, nodes, body) };
    });
    for (const { nodes } of before.slice(body.drawn.length)) for (const node of nodes) node.remove();
  }

  /** Make `old` what `made` is in place; returns the nodes that stand there now. */
  function grow(old, made, parent) {
    const standing = made.map((node, at) => (old[at] ? become(old[at], node) : node));
    old.slice(made.length).forEach((node) => node.remove());
    let after = old.length ? standing[Math.min(old.length, made.length) - 1] : parent.lastChild;
    for (const node of standing.slice(old.length)) {
      if (after) after.after(node);
      else parent.append(node);
      after = node;
    }
    return standing;
  }

  function become(node, made) {
    if (node.isEqualNode(made)) return node;
    if (node.nodeName !== made.nodeName) return node.replaceWith(made), made;
    if (node.nodeType === Node.TEXT_NODE) return (node.data = made.data), node;
    for (const { name } of [...node.attributes]) if (!made.hasAttribute(name)) node.removeAttribute(name);
    for (const { name, value } of made.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
    grow([...node.childNodes], [...made.childNodes], node);
    return node;
  }
