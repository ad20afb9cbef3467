    // --- Answers that outlive a line, a page and a tab ---
    /** What a chat has said by now. Of an answer that was stopped or got lost only the last can be asked for again. */
    showHistory(messages) {
      messages.forEach((message, at) => {
        const before = messages[at - 1];
        const after = messages[at + 1];
        if (message.role === "user") {
          this.addUser(message.content, message.request_id);
          const isAnswered = after && after.role === "assistant";
          if (isCut(message) && !isAnswered) this.showStopped(this.addAssistant(), message.content, message.request_id);
        } else if (message.role === "person") this.addPerson(message);
        else if (message.role === "assistant") {
          const shown = this.addAssistant();
          this.finish(shown, message);
          const asked = before && before.role === "user" ? before : {};
          if (isCut(message)) this.showStopped(shown, asked.content, asked.request_id);
        }
      });
      this.sweep(":not(:last-child) > .help > .suggestions, :not(:last-child) > .again");
    }

    /** Say that an answer is not whole, and offer it anew: the same question, which counts once. */
    showStopped(message, question, requestId) {
      this.note(message, this.words.stopped);
      if (!message.body.textContent) message.body.remove();
      if (!question) return;
      const onclick = () => {
        if (this.turn) return;
        message.element.remove();
        this.input.focus();
        this.run(question, requestId);
        this.turn.again = 1;
      };
      message.element.append(build("button", { type: "button", className: "again", onclick }, this.words.retry));
      this.scrollDown(true);
    }

    /** The page was loaded anew: listen to the answer that is being written, or send what could not be sent. */
    pickUp(messages) {
      const left = this.memory.turn;
      const last = messages[messages.length - 1];
      if (last && last.role === "user" && last.outcome === "pending" && last.request_id) {
        return this.resume(this.beginTurn(last.content, last.request_id));
      }
      if (!left) return undefined;
      if (messages.some((each) => each.role === "user" && each.request_id === left.id)) return (this.memory.turn = null);
      // Not sent by itself after an hour, or three minutes for which the server knows by its id that it was asked.
      if (Date.now() - left.at > (left.sent ? 18e4 : 36e5)) {
        this.memory.turn = null;
        if (!this.input.value) this.input.value = left.question;
        return undefined;
      }
      this.sweep(".suggestions, .card");
      this.addUser(left.question, left.id);
      return this.run(left.question, left.id); // should it be there after all, the server does not ask it twice
    }

    /** There is no connection: say so, and go on when there is one. */
    holdOn(turn, said, goOn) {
      turn.isHeld = true;
      this.note(turn.message, said);
      this.whenOnline(() => {
        turn.isHeld = false;
        if (this.turn === turn) goOn();
      });
    }

    whenOnline(act) {
      const wake = () => {
        clearTimeout(pause);
        removeEventListener("online", wake);
        act();
      };
      const pause = setTimeout(wake, OFFLINE_SECONDS * 1000);
      addEventListener("online", wake);
    }

    /** Nothing could be begun without a connection. What was asked is kept, also where the page is loaded anew. */
    showQueued() {
      const left = this.memory.turn;
      this.addUser(left.question, left.id);
      const message = this.addAssistant();
      message.body.remove();
      this.note(message, this.words.offline);
      this.whenOnline(() => this.client && !this.started && this.start());
    }

    /** Another tab of this visitor's has asked, or begun another conversation: this one shows the same. */
    onOtherTab(before, now) {
      if (!this.client || !this.window || !this.started || this.turn) return;
      const isNew = now.turn && now.turn.sent && !(before.turn && before.turn.sent && before.turn.id === now.turn.id);
      if (isNew) this.followOther(now.turn);
      else if (now.visitor_id !== before.visitor_id || (before.chat_id && before.chat_id !== now.chat_id)) {
        this.client.token = null;
        this.client.close();
        this.started = this.company = null;
        this.start();
      }
    }

    followOther({ id, question }) {
      this.sweep(".suggestions, .card, .again");
      const asked = [...this.log.children].find((each) => each.dataset.request === id);
      if (asked) while (asked.nextElementSibling) asked.nextElementSibling.remove(); // it is being asked again
      else this.addUser(question, id);
      this.resume(this.beginTurn(question, id, { isOthers: true }));
    }

    /** End the running turn with a card; what had arrived of the answer stays above it. */
    fail(failure) {
      const turn = this.turn;
      this.endTurn();
      this.note(turn.message, turn.text ? this.words.stopped : "");
      if (turn.text) this.drawText(turn.message.body, turn.text, false);
      else turn.message.element.remove();
      this.showFailure(failure, () => {
        turn.message.element.remove();
        this.run(turn.question, turn.requestId);
      });
    }

    stop() {
      const turn = this.turn;
      if (!turn || !turn.message || turn.stopped) return;
      turn.stopped = true;
      if (this.client.socket || turn.resuming) this.client.send({ type: "stop", request_id: turn.requestId }).catch(() => {});
      setTimeout(() => this.turn === turn && this.endStopped(turn), turn.isHeld ? 0 : STOP_PATIENCE_SECONDS * 1000);
    }

    endStopped(turn, answer = { content: turn.text }) {
      this.endTurn();
      this.finish(turn.message, answer, turn);
      this.showStopped(turn.message, turn.question, turn.requestId);
    }

    endTurn() {
      const { turn } = this;
      clearTimeout(turn.silence);
      if (Object(this.memory.turn).id === turn.requestId) this.memory.turn = null;
      this.turn = null;
      this.showBusy(false);
    }

