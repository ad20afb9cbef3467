  // --- Markdown: `marked` reads it, nodes are made here, and DOMPurify looks at them before they are shown ---
  const CITED = /^\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()/;

  const MOST_WORK = 4e6; // some tenths of a second; a long answer takes a hundredth of it

  /** HTML in an answer is text; so are definitions of links, since "[1]: …" is mostly a list of sources. */
  class Plain extends marked.Tokenizer {
    work = 0;
    html() {} tag() {} def() {} lheading() {}
    /** Asked first at each step. Signs that open and never close make a text take as many steps as it has, over all of it. */
    escape(text) {
      if ((this.work += text.length) > MOST_WORK) throw Error();
      return super.escape(text);
    }
  }

  const LEXING = {
    ...marked.getDefaults(),
    gfm: true,
    breaks: true,
    extensions: {
      inline: [(text) => {
        const match = CITED.exec(text);
        return match ? { type: "cited", raw: match[0], numbers: match[1].split(",").map(Number) } : undefined;
      }],
      startInline: [(text) => text.search(/\[\d/)],
      childTokens: {},
      renderers: {},
    },
  };

  const BULLET = /^(\s*)•\s+/gm;
  function lex(text) {
    try {
      const lexer = new marked.Lexer({ ...LEXING, tokenizer: new Plain() });
      return lexer.lex(text.replace(BULLET, "$1- ")).filter(({ type }) => type !== "space");
    } catch { // nested deeper than there is room for, or made to keep a reader waiting
      return [{ type: "paragraph", raw: text, tokens: [{ type: "text", raw: text, text }] }];
    }
  }

  const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
  const decode = (text) =>
    text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi, (whole, decimal, hex, name) => {
      if (name) return ENTITIES[name.toLowerCase()];
      const point = decimal ? Number(decimal) : parseInt(hex, 16);
      return point > 31 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
    });

  /** What `way` has: `mark(number)`, the node of a citation or null; `hosts` of images; `words` to copy code. */
  const inlines = (tokens, way) => (tokens || []).flatMap((token) => inline(token, way));

  function inline(token, way) {
    const wrap = (tag) => build(tag, {}, ...inlines(token.tokens, way));
    const address = token.href && safeLink(decode(token.href));
    switch (token.type) {
      case "strong": return wrap("strong");
      case "em": return wrap("em");
      case "del": return wrap("del");
      case "codespan": return build("code", {}, token.text);
      case "br": return build("br");
      case "checkbox": return token.checked ? "☑ " : "☐ ";
      case "cited": {
        const marks = token.numbers.map(way.mark).filter(Boolean);
        return marks.length ? marks : token.raw;
      }
      case "link": return address ? named(link(address, ""), token.title, inlines(token.tokens, way)) : token.raw;
      case "image": return address ? picture(address, token, way) : token.raw;
      case "escape": return token.text;
      case "text": return token.tokens ? inlines(token.tokens, way) : decode(token.text);
      default: return token.raw;
    }
  }

  function named(element, title, children) {
    if (title) element.title = decode(title);
    element.append(...children);
    return element;
  }

  /** A picture from where the bot allows it, else a link: to look at a picture tells its host who looks. */
  function picture(address, token, way) {
    const alt = decode(token.text || "");
    const { protocol, host } = new URL(address, "https://nowhere.invalid");
    if (protocol !== "https:" || !(way.hosts || []).includes(host)) return named(link(address, ""), token.title, [alt || address]);
    return named(build("img", { src: address, alt, loading: "lazy", referrerPolicy: "no-referrer" }), token.title, []);
  }

  function block(token, way) {
    const wrap = (tag, ...children) => build(tag, { dir: "auto" }, ...children);
    switch (token.type) {
      case "heading": return wrap(token.depth < 3 ? "h3" : "h4", ...inlines(token.tokens, way));
      case "paragraph": return wrap("p", ...inlines(token.tokens, way));
      case "text": case "checkbox": return inline(token, way);
      case "blockquote": return wrap("blockquote", ...blocks(token.tokens, way));
      case "hr": return build("hr");
      case "code": return codeBlock(token, way);
      case "table": return table(token, way);
      case "list": {
        const list = wrap(token.ordered ? "ol" : "ul", ...token.items.map((item) => wrap("li", ...blocks(item.tokens, way))));
        if (token.ordered && token.start !== 1) list.start = token.start;
        return list;
      }
      default: return wrap("p", token.raw);
    }
  }

  const blocks = (tokens, way) => tokens.filter(({ type }) => type !== "space").flatMap((token) => block(token, way));

  function codeBlock(token, way) {
    const code = build("code", {}, token.text);
    const { copy, copied } = way.words;
    const onclick = async ({ target }) => {
      if (!(await copyText(code))) return;
      target.textContent = copied;
      setTimeout(() => (target.textContent = copy), 2000);
    };
    const button = build("button", { type: "button", className: "copy", onclick }, copy);
    return build("div", { className: "code" }, build("pre", { tabIndex: 0 }, code), button);
  }

  /** Where a page may not write into the clipboard, the text is marked at least. */
  async function copyText(code) {
    if (navigator.clipboard && (await navigator.clipboard.writeText(code.textContent).then(() => true, () => false))) return true;
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }

  function table(token, way) {
    const cell = (tag) => ({ tokens, align }) => {
      const made = build(tag, { dir: "auto", ...(align ? { className: `to-${align}` } : {}) }, ...inlines(tokens, way));
      if (tag === "th") made.scope = "col";
      return made;
    };
    const row = (tag, cells) => build("tr", {}, ...cells.map(cell(tag)));
    const body = build("tbody", {}, ...token.rows.map((cells) => row("td", cells)));
    return build("div", { className: "table", tabIndex: 0 }, build("table", {}, build("thead", {}, row("th", token.header)), body));
  }

  const SHOWN = {
    IN_PLACE: true,
    ALLOWED_TAGS: [
      "a", "b", "blockquote", "br", "button", "code", "del", "div", "em", "h3", "h4", "hr", "img", "li", "ol", "p", "pre", "span",
      "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
    ],
    ALLOWED_ATTR: [
      "alt", "class", "dir", "href", "loading", "referrerpolicy", "rel", "scope", "src", "start", "tabindex", "target", "title", "type",
    ],
    ADD_URI_SAFE_ATTR: ["dir", "loading", "referrerpolicy", "rel", "scope", "start", "tabindex", "target", "type"],
    ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:|tel:)/i,
    ALLOW_DATA_ATTR: false,
    // No HTML is parsed here, so a page that demands Trusted Types needs no policy for it.
    TRUSTED_TYPES_POLICY: { createHTML: (html) => html, createScriptURL: (url) => url },
  };

  function purified(token, way) {
    const box = build("div", {}, ...blocks([token], way));
    purify.sanitize(box, SHOWN);
    return [...box.childNodes];
  }
