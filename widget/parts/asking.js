    addUser(text, requestId = "") {
      // With a direction of its own it does not decide that of the question.
      const said = build("span", { className: "only-read", dir: this.words.dir }, `${this.words.you}: `);
      this.sweep(".edit");
      const edit = iconButton("edit", this.words.edit, () => this.editAgain(text), { className: "edit" });
      const look = { className: "message user", dir: "auto", "data-request": requestId };
      this.log.append(build("div", look, said, build("span", { className: "said" }, text), edit));
      this.scrollDown(true);
    }

    /** Removes what is over. */
    sweep(parts, within = this.log) {
      for (const each of within.querySelectorAll(parts)) each.remove();
    }

    addAssistant() {
      const body = build("div", { className: "body", dir: "auto" });
      const element = build("article", { className: "message assistant" }, body);
      this.log.append(element);
      return { element, body };
    }

    async askNow(question, before) {
      const text = String(question || "").trim();
      const opened = this.openWindow(before);
      if (!text || this.turn) return false;
      const id = randomId();
      const asked = (this.turn = { question: text });
      if (!(await opened) || this.turn !== asked) {
        if (this.turn === asked) this.turn = null;
        return this.keep(asked.question, id);
      }
      this.sweep(".suggestions, .card, .again");
      if (text.length > MAX_QUESTION_LENGTH) {
        this.turn = null;
        this.input.value = text;
        this.showFailure(new Failure("too_long", null, false));
        return false;
      }
      this.addUser(text, id);
      this.announce("message", { role: "user", content: text });
      this.run(text, id);
      return true;
    }

    /** What could not be asked: sent when there is a connection, where that is the matter, or back in the input. */
    keep(question, id) {
      if (!this.window || !question) return false;
      const isQueued = this.isAway && !this.memory.turn && question.length <= MAX_QUESTION_LENGTH;
      if (!isQueued) this.input.value = question;
      else {
        this.memory.turn = { id, question, at: Date.now() };
        this.sweep(".card");
        this.showQueued();
      }
      return isQueued;
    }

    async run(question, requestId = randomId()) {
      await this.sendQuestion(this.beginTurn(question, requestId));
    }

    beginTurn(question, requestId, { isOthers = false } = {}) {
      this.fetchMarkdown(); // should it not have come before
      const message = this.addAssistant();
      const heard = { text: "", sources: [], number: 0, told: 0 };
      const turn = { question, message, requestId, ...heard, drops: 0, quiet: 0, renewed: false, stopped: false, isOthers };
      this.turn = turn;
      this.requestId = requestId; // its chat may be told when it has been stopped
      if (!isOthers) this.memory.turn = { id: requestId, question, at: Date.now() };
      const hint = build("span", { className: "only-read" }, this.words.answering);
      this.telling.textContent = "";
      message.body.ariaLive = "off"; // told by sentences instead
      message.element.hidden = this.isWithPerson; // who types, if they do, is said elsewhere
      message.body.append(build("div", { className: "typing" }, hint, build("i"), build("i"), build("i")));
      this.showBusy(true);
      this.scrollDown(true);
      return turn;
    }

    async sendQuestion(turn) {
      try {
        this.client.keepUp();
        await this.client.ready();
        if (this.turn !== turn) return;
        if (turn.stopped) return this.endStopped(turn);
        await this.client.send({ type: "question", message: turn.question, request_id: turn.requestId });
        if (this.turn !== turn) return;
        this.note(turn.message, "");
        this.memory.turn = { ...this.memory.turn, sent: true }; // other tabs may listen now
        this.watchSilence(turn);
      } catch (failure) {
        if (this.turn !== turn) return;
        if (failure.code === "network") this.holdOn(turn, this.words.offline, () => this.sendQuestion(turn));
        else this.fail(failure);
      }
    }

    /** A line that says nothing may be dead without knowing it: come back over another, and give up in the end. */
    watchSilence(turn) {
      clearTimeout(turn.silence);
      turn.silence = setTimeout(() => {
        if (this.turn !== turn) return;
        turn.quiet += 1;
        this.client.close();
        if (turn.quiet * QUIET_SECONDS < SILENCE_SECONDS) this.resume(turn);
        else this.fail(new Failure("timeout", null, true));
      }, QUIET_SECONDS * 1000);
    }

