    // --- What the page may ask for, and what it is told: docs/widget.md ---
    /** Ask a question as if the visitor had typed it: see `ask`. */
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
      if (unknown.length) throw new TypeError(`setContext takes ${CONTEXT.join(", ")}, not ${unknown.join(", ")}`);
      this.context = { ...context };
    }

    /** A new conversation. `forget` makes the browser's visitor another one, who finds nothing of those before. */
    async reset({ forget = false } = {}) {
      if (!(await this.isThere())) return;
      if (forget) {
        this.stop();
        this.memory.forget();
        this.input.value = "";
        this.drawAnew();
      } else if (this.started) this.restart();
      else this.memory.set("chat_id", null);
    }

    say(name, value) {
      if (value) this.setAttribute(name, value);
      else this.removeAttribute(name);
    }

    /** The filter of what may answer here, as JSON; "" where nothing narrows. */
    get narrowing() {
      const tags = this.setting("tags", "").split(",").map((tag) => tag.trim()).filter(Boolean);
      const said = Object.entries({ tags, ...this.context }).filter(([, value]) => value && value.length);
      return said.length ? JSON.stringify(Object.fromEntries(said)) : "";
    }

    announce(name, detail = {}) {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    announceAnswer({ id, content, citations, refusal, cut_reason = null }) {
      const cited = (citations || []).map(tellCitation);
      this.announce("message", { role: "assistant", id, content, citations: cited, refused: Boolean(refusal), cut_reason });
    }

    announcePerson({ id, content, author }) {
      this.announce("message", { role: "person", id, content, person: author || "" });
    }

    announceCitation(citation) {
      this.announce("citation", tellCitation(citation));
    }

    announceFeedback({ message_id, feedback }) {
      this.announce("feedback", { message_id, feedback });
    }
