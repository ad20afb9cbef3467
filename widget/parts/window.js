    /** `before` had the focus when it was asked for: who has turned to something else meanwhile stays there. */
    async openWindow(before) {
      this.show();
      const { activeElement: now } = document;
      if (!this.hasAttribute("preview") && [before, this, document.body].includes(now)) this.input.focus({ preventScroll: true });
      return this.start();
    }

    show() {
      if (this.inline || !this.window.hidden) return;
      this.window.hidden = false;
      this.window.ariaModal = String(matchMedia(NARROW).matches);
      this.fitScreen();
      this.countUnread(0);
      this.pickContrast();
      this.announce("open");
    }

    closeWindow() {
      if (this.inline || this.window.hidden) return;
      this.window.hidden = true;
      this.announce("close");
      this.nameBubble();
      this.bubble.focus();
    }

    /** On a phone the window fills what is seen, which a soft keyboard makes less of. */
    fitScreen() {
      const { visualViewport: view } = window;
      if (!view || !this.window || this.inline) return;
      const fills = matchMedia(NARROW).matches && view.scale < 1.05 && !this.window.hidden;
      const place = fills ? { height: `${view.height}px`, top: `${view.offsetTop}px`, bottom: "auto" } : { height: "", top: "", bottom: "" };
      Object.assign(this.window.style, place);
      this.scrollDown();
    }

    onWindowKey(event) {
      if (event.key === "Escape") this.onEscape(event);
      else if (event.key === "Tab" && (this.panel || (!this.inline && matchMedia(NARROW).matches))) {
        this.keepFocusInside(event);
      }
    }

    /** Closes what lies uppermost: the panel, a passage that a number has opened, the window. */
    onEscape(event) {
      const { item, from } = this.shown || {};
      if (this.panel) this.closePanel();
      else if (item && item.open && item.contains(this.shadowRoot.activeElement)) {
        item.open = false;
        from.focus();
      } else if (this.inline) return;
      else this.close();
      event.stopPropagation();
    }

    keepFocusInside(event) {
      const all = (this.panel || this.window).querySelectorAll("button, textarea, input, a[href], summary, .log");
      const stops = [...all].filter((stop) => stop.getClientRects().length);
      const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
      if (this.shadowRoot.activeElement !== edge) return;
      event.preventDefault();
      (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
    }

    /** Opens the session once and draws what it brings; on failure a card offers to try again. */
    start() {
      if (this.hasAttribute("preview")) return Promise.resolve(false);
      this.started = this.started || this.begin();
      return this.started;
    }

    async begin() {
      const beginning = (this.beginning = {});
      try {
        const [session] = await Promise.all([this.client.openSession(), this.dressed, this.fetchMarkdown()]);
        if (this.beginning !== beginning) return this.started; // the page has another visitor, who has begun anew
        this.clear();
        this.showHistory(session.messages || []);
        if (!this.log.childElementCount) this.greet();
        this.client.ready().catch(() => {}); // warms the socket up; a question tries again
        this.pickUp(session.messages || []);
        return true;
      } catch (failure) {
        if (this.beginning !== beginning) return this.started;
        this.started = null;
        this.clear();
        this.isAway = failure.code === "network";
        if (this.isAway && this.memory.turn) this.showQueued();
        else this.showFailure(failure, () => this.start());
        return false;
      }
    }

    greet() {
      const text = this.setting("greeting", this.bot.greeting || this.words.greeting);
      this.addAssistant().body.append(renderMarkdown(text, () => null, this.way));
      const questions = (this.bot.starter_questions || []).filter(Boolean);
      if (!questions.length) return;
      this.log.append(this.buildSuggestions(questions, this.words.suggestions));
    }

    restart() {
      this.stop();
      if (this.turn) this.endTurn();
      this.requestId = null;
      this.leftChat = this.memory.values.chat_id;
      this.memory.set("chat_id", null);
      this.clear();
      this.showCompany(null);
      this.greet();
      this.input.focus();
      this.client.send({ type: "reset" }).catch(() => {});
    }

