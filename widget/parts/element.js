  // --- The element ---
  class MiniRagWidget extends HTMLElement {
    static get observedAttributes() {
      return ["identity", "title", "theme", ...DRAWN];
    }

    attributeChangedCallback(name, before, after) {
      if (!this.client || before === after) return;
      if (name === "identity") this.welcome(before && markOf(before) !== markOf(after));
      else if (DRAWN.includes(name)) this.drawAnew();
      else if (this.window && name === "title") this.nameWindow();
      else if (this.window) this.pickContrast();
    }

    /**
     * The page knows its visitor, or another one: the conversation is theirs, as far as there is one. Who `hasLeft`
     * leaves nothing to read.
     */
    welcome(hasLeft) {
      if (!this.started && !(this.window && this.log.childElementCount)) return;
      if (hasLeft) {
        this.log.replaceChildren();
        this.input.value = Object(this.turn).question = "";
      }
      if (this.turn) this.endTurn();
      if (this.panel) this.closePanel(); // it lists what the one before has asked
      this.client.token = null;
      this.client.close();
      this.started = this.company = null;
      this.start();
    }

    connectedCallback() {
      if (this.client) return;
      for (const name of ATTRIBUTES.map(camel).filter((name) => Object.hasOwn(this, name))) {
        const value = this[name]; // set before this script was there
        delete this[name];
        this[name] = value;
      }
      this.readSettings();
      if (this.setting("api-token")) {
        console.warn("MiniRAG: list this page's origin at the bot and remove data-api-token.");
      }
      this.memory = new Memory(this.ownBot, () => markOf(this.setting("identity")), (before, now) => this.onOtherTab(before, now));
      const page = { apiToken: this.setting("api-token", ""), language: this.wanted };
      this.client = new Client(this.server, this.ownBot, this.memory, this, page);
      this.turn = this.started = this.company = this.people = this.askedFor = this.window = null;
      this.bot = {};
      this.onPageClick = (event) => {
        const asker = event.target instanceof Element && event.target.closest("[data-minirag-ask]");
        if (asker && this.isMeant(asker)) this.ask(asker.getAttribute("data-minirag-ask"));
      };
      document.addEventListener("click", this.onPageClick);
      this.onView = () => this.fitScreen();
      for (const event of ["resize", "scroll"]) if (window.visualViewport) visualViewport.addEventListener(event, this.onView);
      this.appearing = this.appear();
    }

    /** Draws as soon as the words of its language are there, which for English is at once. */
    async appear() {
      const { client } = this;
      const look = this.hasAttribute("preview") ? {} : client.fetchLook();
      this.root = this.shadowRoot || this.attachShadow({ mode: "open" });
      this.root.replaceChildren();
      this.applyStyles(this.root); // an inline one has its height from now on
      this.words = DICTIONARIES[this.language] || (await fetchWords(this.language, this.server));
      if (this.client !== client) return; // taken out of the page meanwhile
      this.draw();
      this.dressed = this.dress(look);
      if (this.left) this.comeAgain(this.left);
      else if (this.inline || this.memory.turn) this.start();
      this.left = null;
    }

    /** As it was when it was taken out of the page, or drawn in another way. */
    comeAgain({ isOpen, isStarted, hasFocus, draft }) {
      this.input.value = draft;
      this.fitInput();
      if (isOpen) this.show();
      if (isOpen && hasFocus) this.input.focus({ preventScroll: true });
      if (isOpen || isStarted) this.start();
    }

    /** What a page asks of no bot in particular is for its first one. */
    isMeant(asker) {
      const bot = asker.getAttribute("data-minirag-bot");
      return bot ? bot === this.ownBot : [null, this].includes(document.querySelector("minirag-widget"));
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

    /** Whether it stands on the page by now; what the page asks of it before waits for that. */
    async isThere() {
      if (!this.window) await this.appearing;
      return Boolean(this.window);
    }

    disconnectedCallback() {
      document.removeEventListener("click", this.onPageClick);
      for (const event of ["resize", "scroll"]) if (window.visualViewport) visualViewport.removeEventListener(event, this.onView);
      if (this.window) {
        const now = { isOpen: !this.window.hidden, isStarted: Boolean(this.started) };
        this.left = { ...now, hasFocus: Boolean(this.root.activeElement), draft: this.input.value };
      }
      if (this.turn) clearTimeout(this.turn.silence); // the server goes on, and it is picked up
      this.client.token = null;
      this.client.close();
      this.memory.leave();
      this.client = this.beginning = this.turn = this.window = this.panel = null;
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
      this.server = new URL(this.setting("api-url", home), location.href).href.replace(/\/+$/, "");
      const around = (this.parentElement || document.documentElement).closest("[lang]:not([lang=''])");
      const wanted = [this.setting("lang"), around && around.lang, ...navigator.languages].filter(Boolean);
      this.wanted = (wanted[0] || "en").slice(0, 35);
      this.language = chooseLanguage(wanted);
      for (const name of ["theme", "placement", "position", "size"]) {
        if (!this.hasAttribute(name) && this.setting(name)) this.setAttribute(name, this.setting(name));
      }
      this.inline = this.getAttribute("placement") === "inline";
    }

