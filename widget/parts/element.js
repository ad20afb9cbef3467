  // --- The element, from when somebody opens its chat ---
  Object.assign(own, { Failure, fill, link, randomId, MAX_QUESTION_LENGTH, CURED_BY_RENEWAL }); // for more.js

  return class {
    static styles = SHELTER + STYLES + PROSE;

    static english = { ..."@english", tag: "en" };

    static icons = MORE_ICONS;

    /** Called when this script is there: draws the window. `words` are those of the page's language, null for English. */
    moveIn(words) {
      this.words = findWords(this.language, words);
      if (this.setting("api-token")) console.warn("MiniRAG: list this page's origin at the bot and remove data-api-token.");
      this.memory = new Memory(this.place, () => markOf(this.setting("identity")), (before, now) => this.onOtherTab(before, now));
      const page = { apiToken: this.setting("api-token", ""), language: this.wanted };
      this.client = new Client(this.server, this.ownBot, this.memory, this, page);
      this.turn = this.started = this.company = this.people = this.askedFor = null;
      this.bot = {};
      this.onView = () => this.fitScreen();
      for (const event of ["resize", "scroll"]) if (window.visualViewport) visualViewport.addEventListener(event, this.onView);
      if (this.isWanted) this.fetchMarkdown(); // beside the session
      this.draw();
      if (this.look) this.wear(this.look);
      if (this.left) this.comeAgain(this.left);
      else if (this.inline || this.memory.turn) this.start();
      this.left = null;
    }

    /** Taken out of the page, or drawn in another way: what was there is kept for when it comes again. */
    moveOut() {
      for (const event of ["resize", "scroll"]) if (window.visualViewport) visualViewport.removeEventListener(event, this.onView);
      const now = { isOpen: !this.window.hidden, isStarted: Boolean(this.started) };
      this.left = { ...now, hasFocus: Boolean(this.root.activeElement), draft: this.input.value };
      if (this.turn) clearTimeout(this.turn.silence); // the server goes on, and it is picked up
      this.client.token = null;
      this.client.close();
      this.memory.leave();
      this.client = this.beginning = this.turn = this.panel = null;
    }

    /** As it was when it was taken out of the page, or drawn in another way. */
    comeAgain({ isOpen, isStarted, hasFocus, draft }) {
      this.input.value = draft;
      this.fitInput();
      if (isOpen) this.show();
      if (isOpen && hasFocus) this.input.focus({ preventScroll: true });
      if (isOpen || isStarted) this.start();
    }

    /** The page knows its visitor, or another one: the conversation is theirs, and who has left leaves nothing to read. */
    welcome(before, after) {
      if (!this.started && !this.log.childElementCount) return;
      if (before && markOf(before) !== markOf(after)) {
        this.clear();
        this.input.value = Object(this.turn).question = "";
      }
      if (this.turn) this.endTurn();
      if (this.panel) this.closePanel(); // it lists what the one before has asked
      this.client.token = null;
      this.client.close();
      this.started = this.company = null;
      this.start();
    }

