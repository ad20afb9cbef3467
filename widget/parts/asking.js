    addUser(text) {
      // With a direction of its own it does not decide that of the question.
      const said = build("span", { className: "only-read", dir: this.words.dir }, `${this.words.you}: `);
      this.log.append(build("div", { className: "message user", dir: "auto" }, said, text));
      this.scrollDown(true);
    }

    addAssistant() {
      const body = build("div", { className: "body", dir: "auto" });
      const element = build("article", { className: "message assistant" }, body);
      this.log.append(element);
      return { element, body };
    }

    /** Ask a question as if the visitor had typed it; opens the window. Returns false while another one is running. */
    async ask(question) {
      const text = String(question || "").trim().slice(0, MAX_QUESTION_LENGTH);
      const opened = this.open();
      if (!text || this.turn) return false;
      const asked = (this.turn = { question: text });
      if (!(await opened) || this.turn !== asked) {
        if (this.turn === asked) this.turn = null;
        if (this.window) this.input.value = text;
        return false;
      }
      for (const leftover of this.log.querySelectorAll(".suggestions, .card")) leftover.remove();
      this.addUser(text);
      this.announce("message", { role: "user", content: text });
      this.run(text);
      return true;
    }

    async run(question) {
      await this.sendQuestion(this.beginTurn(question, randomId()));
    }

    /** The page was loaded anew while its last question was being answered: listen to the rest. */
    pickUp(messages) {
      const left = this.memory.values.turn;
      const last = messages[messages.length - 1];
      if (!left || !last || last.role !== "user" || last.content !== left.question) return;
      this.resume(this.beginTurn(left.question, left.id));
    }

    beginTurn(question, requestId) {
      const message = this.addAssistant();
      const heard = { text: "", sources: [], number: 0 };
      const turn = { question, message, requestId, ...heard, drops: 0, renewed: false, stopped: false };
      this.turn = turn;
      this.memory.set("turn", { id: requestId, question });
      const hint = build("span", { className: "only-read" }, this.words.answering);
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
        await this.client.send({ type: "question", message: turn.question, request_id: turn.requestId });
        this.watchSilence(turn);
      } catch (failure) {
        if (this.turn === turn) this.fail(failure);
      }
    }

    watchSilence(turn) {
      clearTimeout(turn.silence);
      turn.silence = setTimeout(() => {
        if (this.turn !== turn) return;
        this.client.close();
        this.fail(new Failure("timeout", null, true));
      }, SILENCE_SECONDS * 1000);
    }

