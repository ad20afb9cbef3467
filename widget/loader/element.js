  // --- The element ---
  const LONGEST_PAUSE_SECONDS = 32;
  const SLOW_MILLISECONDS = 800;
  /** What the scripts that are fetched later are given, and add to. */
  const own = { IN_THE_DARK, ICONS, build, icon, iconButton, findBeside, fetchScript, english: {} };

  class MiniRagWidget extends HTMLElement {
    static get observedAttributes() {
      return ["identity", "title", "theme", ...DRAWN];
    }

    /** Called by a script that was fetched: what it makes becomes the element's. */
    static take(make) {
      const Made = make(own);
      const { constructor, ...methods } = Object.getOwnPropertyDescriptors(Made.prototype);
      Object.defineProperties(this.prototype, methods);
      Object.assign(ICONS, Made.icons);
      Object.assign(own.english, Made.english);
      styles += Made.styles || "";
    }

    attributeChangedCallback(name, before, after) {
      if (!this.visit || before === after) return;
      if (DRAWN.includes(name)) this.drawAnew();
      else if (name === "theme" || !this.window) this.pickContrast();
      else if (name === "identity") this.welcome(before, after);
      else this.nameWindow();
    }

    connectedCallback() {
      if (this.visit) return;
      for (const name of ATTRIBUTES.map(camel).filter((name) => Object.hasOwn(this, name))) {
        const value = this[name]; // set before this script was there
        delete this[name];
        this[name] = value;
      }
      this.readSettings();
      this.visit = {}; // another one each time that it is put into a page, or drawn anew
      this.onPageClick = (event) => {
        const asker = event.target instanceof Element && event.target.closest("[data-minirag-ask]");
        if (asker && this.isMeant(asker)) this.ask(asker.getAttribute("data-minirag-ask"));
      };
      document.addEventListener("click", this.onPageClick);
      this.appear();
    }

    appear() {
      this.root = this.shadowRoot || this.attachShadow({ mode: "open" });
      this.root.replaceChildren();
      this.applyStyles(); // an inline one has its height from now on
      this.words = LAUNCHER[this.language];
      this.status = build("p", { className: "status", role: "status", dir: "auto" });
      this.layer = build("div", { className: "layer" }, this.status);
      this.bubble = this.inline ? null : this.buildBubble();
      if (this.bubble) this.layer.append(this.bubble);
      this.root.append(this.layer);
      if (!this.inline && this.layer.showPopover) { // in the browser's top layer
        this.layer.popover = "manual";
        this.layer.showPopover();
      }
      this.pickContrast();
      this.dressed = this.dress(this.hasAttribute("preview") ? {} : this.fetchLook());
      const { turn, chat_id } = this.recall();
      if (this.inline) this.wake();
      else if (this.left || turn) this.wake(false);
      else if (chat_id && window.requestIdleCallback) requestIdleCallback(() => this.visit && this.wake(false));
    }

    /** What an earlier page has kept of this bot; the rest reads it with care. */
    recall() {
      try {
        return Object(JSON.parse(localStorage.getItem(this.place)));
      } catch {
        return {};
      }
    }

    buildBubble() {
      const toggle = () => {
        if (this.isLost) this.retry();
        return this.window && !this.window.hidden ? this.close() : this.open();
      };
      const states = { className: "bubble", part: "bubble", "aria-expanded": "false", "aria-haspopup": "dialog" };
      return iconButton("chat", this.words.open, toggle, states);
    }

    disconnectedCallback() {
      document.removeEventListener("click", this.onPageClick);
      if (this.window) this.moveOut();
      this.visit = this.waking = this.window = this.isWanted = null;
      if (this.isLost) this.retry(); // so that nothing waits any more
    }

    /** Once, however many attributes the page changes now. */
    drawAnew() {
      if (this.isChanging) return;
      this.isChanging = true;
      queueMicrotask(() => {
        this.isChanging = false;
        if (!this.isConnected) return;
        this.disconnectedCallback();
        this.connectedCallback();
      });
    }

    /** What a page asks of no bot in particular is for its first one. */
    isMeant(asker) {
      const bot = asker.getAttribute("data-minirag-bot");
      return bot ? bot === this.ownBot : [null, this].includes(document.querySelector("minirag-widget"));
    }

    /** An attribute of the element, else the script tag's data- attribute, else the default. */
    setting(name, fallback) {
      if (this.hasAttribute(name)) return this.getAttribute(name);
      const tag = this.madeBy || SCRIPT;
      return (tag && tag.dataset[camel(name)]) || fallback;
    }

    readSettings() {
      const tag = this.madeBy || SCRIPT;
      const home = tag && tag.src ? new URL(tag.src).origin : location.origin;
      this.ownBot = this.setting("bot-id", "");
      this.place = `minirag:${this.ownBot}`;
      this.server = new URL(this.setting("api-url", home), location.href).href.replace(/\/+$/, "");
      const around = (this.parentElement || document.documentElement).closest("[lang]:not([lang=''])");
      const wanted = [this.setting("lang"), around && around.lang, ...navigator.languages].filter(Boolean);
      this.wanted = (wanted[0] || "en").slice(0, 35);
      this.language = chooseLanguage(wanted);
      for (const name of ["theme", "placement", "position", "size"]) this.say(name, this.setting(name));
      this.inline = this.getAttribute("placement") === "inline";
    }

