  // --- The element ---
  class MiniRagWidget extends HTMLElement {
    static get observedAttributes() {
      return ["identity"];
    }

    /** The page knows its visitor, or another one: the conversation is theirs, as far as there is one. */
    attributeChangedCallback(name, before, after) {
      if (!this.client || !this.started || before === after) return;
      if (this.turn) this.endTurn();
      this.memory.set("turn", null);
      this.client.token = null;
      this.client.close();
      this.started = this.company = null;
      this.start();
    }

    connectedCallback() {
      if (this.client) return;
      this.readSettings();
      if (this.setting("api-token")) {
        console.warn("MiniRAG: this page shows an API token. List its origin at the bot and remove data-api-token.");
      }
      this.memory = new Memory(this.botId);
      const page = { apiToken: this.setting("api-token", ""), language: this.wanted, tags: this.tags };
      this.client = new Client(this.apiUrl, this.botId, this.memory, this, page);
      this.turn = this.started = this.company = this.people = this.askedFor = this.window = null;
      this.bot = {};
      this.onPageClick = (event) => {
        const asker = event.target instanceof Element && event.target.closest("[data-minirag-ask]");
        if (asker) this.ask(asker.getAttribute("data-minirag-ask"));
      };
      document.addEventListener("click", this.onPageClick);
      this.appearing = this.appear();
    }

    /** Draws as soon as the words of its language are there, which for English is at once. */
    async appear() {
      const { client } = this;
      const look = this.hasAttribute("preview") ? {} : client.fetchLook();
      this.root = this.shadowRoot || this.attachShadow({ mode: "open" });
      this.root.replaceChildren();
      this.applyStyles(this.root); // an inline one has its height from now on
      this.words = DICTIONARIES[this.language] || (await fetchWords(this.language, this.apiUrl));
      if (this.client !== client) return; // taken out of the page meanwhile
      this.draw();
      this.dress(look);
      if (this.inline) this.start();
    }

    /** Whether it stands on the page by now; what the page asks of it before waits for that. */
    async isThere() {
      if (!this.window) await this.appearing;
      return Boolean(this.window);
    }

    disconnectedCallback() {
      document.removeEventListener("click", this.onPageClick);
      this.client.close();
      this.client = null;
    }

    /** An attribute of the element, else the script's data- attribute, else the default. */
    setting(name, fallback) {
      if (this.hasAttribute(name)) return this.getAttribute(name);
      const camel = name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
      return (SCRIPT && SCRIPT.dataset[camel]) || fallback;
    }

    readSettings() {
      const home = SCRIPT && SCRIPT.src ? new URL(SCRIPT.src).origin : location.origin;
      this.botId = this.setting("bot-id", "");
      this.apiUrl = new URL(this.setting("api-url", home), location.href).href.replace(/\/+$/, "");
      const around = (this.parentElement || document.documentElement).closest("[lang]:not([lang=''])");
      const wanted = [this.setting("lang"), around && around.lang, ...navigator.languages].filter(Boolean);
      this.wanted = (wanted[0] || "en").slice(0, 35);
      this.language = chooseLanguage(wanted);
      this.tags = this.setting("tags", "").split(",").map((tag) => tag.trim()).filter(Boolean);
      for (const name of ["theme", "placement", "position", "size"]) {
        if (!this.hasAttribute(name) && this.setting(name)) this.setAttribute(name, this.setting(name));
      }
      this.inline = this.getAttribute("placement") === "inline";
    }

    draw() {
      const { root, words } = this;
      const logRole = { role: "log", "aria-label": words.log, "aria-live": "polite" };
      this.log = build("div", { className: "log", tabIndex: 0, ...logRole });
      this.heading = build("h2", { dir: "auto" }, this.setting("title", words.title));
      const hints = { placeholder: this.setting("placeholder", words.placeholder), "aria-label": words.question };
      const limits = { rows: 1, dir: words.dir, maxLength: MAX_QUESTION_LENGTH, enterKeyHint: "send" };
      this.input = build("textarea", { ...hints, ...limits });
      this.input.addEventListener("input", () => this.fitInput());
      this.input.addEventListener("keydown", (event) => this.onInputKey(event));
      this.sendButton = build("button", { type: "submit", className: "send" });
      const buttons = [iconButton("restart", words.restart, () => this.restart(), { className: "restart" })];
      if (!this.inline) buttons.push(iconButton("close", words.close, () => this.close(), { className: "close" }));
      const role = this.inline ? "region" : "dialog";
      this.typingLine = build("p", { className: "typing-line", role: "status", dir: "auto" });
      this.companyLine = build("div", { className: "company", role: "status", hidden: true });
      this.notice = build("footer", {}, words.notice);
      this.window = build(
        "section",
        { className: "window", role, lang: words.tag, dir: words.dir, hidden: !this.inline },
        build("header", {}, this.heading, ...buttons),
        this.log,
        this.typingLine,
        this.companyLine,
        build("form", { className: "ask", onsubmit: (event) => this.onSubmit(event) }, this.input, this.sendButton),
        this.notice,
      );
      this.window.setAttribute("aria-label", this.heading.textContent);
      this.window.addEventListener("keydown", (event) => this.onWindowKey(event));
      root.append(this.window);
      if (!this.inline) {
        const toggle = () => (this.window.hidden ? this.open() : this.close());
        const states = { className: "bubble", "aria-expanded": "false", "aria-haspopup": "dialog" };
        this.bubble = iconButton("chat", words.open, toggle, states);
        root.append(this.bubble);
      }
      this.showBusy(false);
      this.pickContrast();
    }

    /** A constructed sheet passes a page's style-src; the <style> is for browsers without it. */
    applyStyles(root) {
      if (!("adoptedStyleSheets" in root)) return root.append(build("style", {}, STYLES));
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLES);
      root.adoptedStyleSheets = [sheet];
    }

    /** Black or white on the page's own --primary, whichever reads better. */
    pickContrast() {
      const channels = (getComputedStyle(this.sendButton).backgroundColor.match(/[\d.]+/g) || []).map(Number);
      if (channels.length < 3) return;
      const linear = (value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const [red, green, blue] = channels.map(linear);
      const ink = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#10131a" : "#ffffff";
      for (const part of [this.window, this.bubble]) if (part) part.style.setProperty("--on-primary", ink);
    }

