    // --- What the page may ask for, and what it is told: docs/widget.md ---
    /** Do something that needs the rest; it waits until that is there, and is told last where the focus was. */
    async whenThere(name, given = [], isWanted = true) {
      const { activeElement } = document;
      return Boolean(this.window || (await this.wake(isWanted))) && this[name](...given, activeElement);
    }

    /** Resolves to whether the bot can be talked to. */
    open() {
      return this.whenThere("openWindow");
    }

    close() {
      if (this.window || this.isWanted) this.whenThere("closeWindow");
    }

    /** Ask a question as if the visitor had typed it; opens the window. Returns false while another one is running. */
    ask(question) {
      return this.whenThere("askNow", [question]);
    }

    send(question) {
      return this.ask(question);
    }

    /** The visitor is who the page's server has signed; nobody known without. */
    identify(identity) {
      this.say("identity", identity);
    }

    setLanguage(language) {
      this.say("lang", language);
    }

    /** What may answer on this page, from the next question until it is set anew: it narrows, and opens nothing. */
    setContext(context) {
      const unknown = Object.keys(context || {}).filter((name) => !CONTEXT.includes(name));
      if (unknown.length) throw new TypeError(`setContext takes ${CONTEXT}, not ${unknown}`);
      this.context = { ...context };
    }

    /** A new conversation. `forget` makes the browser's visitor another one, who finds nothing of those before. */
    async reset({ forget = false } = {}) {
      if (this.waking) return void (await this.whenThere("beginAnew", [forget], false));
      try { // nothing was begun on this page
        localStorage[this.place] = JSON.stringify(forget ? {} : { ...this.recall(), chat_id: null });
      } catch {}
    }

    /** How it looks, for the admin. */
    preview(look, bot) {
      return this.whenThere("tryOn", [look, bot]);
    }

    say(name, value) {
      if (value) this.setAttribute(name, value);
      else this.removeAttribute(name);
    }

    announce(name, detail = {}) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }
