    onSession(session) {
      this.bot = session.bot || {};
      this.nameWindow();
      this.people = session.people || null;
      this.drawCompany();
    }

    onReconnecting() {
      if (this.turn && this.turn.message) this.note(this.turn.message, this.words.reconnecting);
    }

    onEvent(event) {
      if ((this.hearMore && this.hearMore(event)) || this.hearPeople(event)) return;
      const turn = this.turn;
      if (event.chat_id && event.request_id === this.requestId) this.memory.set("chat_id", event.chat_id);
      if (event.type === "feedback_saved") return this.announceFeedback(event);
      if (!turn || !turn.message) return;
      if (event.request_id && event.request_id !== turn.requestId) return;
      if (event.number && event.number <= turn.number) return; // heard before the socket broke
      turn.number = event.number || turn.number;
      turn.quiet = 0;
      this.watchSilence(turn);
      if (event.type === "sources") turn.sources = event.sources || [];
      if (event.type === "delta" && !turn.stopped) {
        turn.text += event.content;
        this.drawSoon(turn);
      } else if (event.type === "done") {
        const answer = { ...event, content: event.content || turn.text, id: event.message_id };
        if (event.stopped && turn.again && !turn.stopped) return this.askTwice(turn);
        if (event.stopped) {
          this.endStopped(turn, answer);
          return this.announceAnswer(answer);
        }
        this.endTurn();
        if (event.passed_on) turn.message.element.remove(); // a person reads it
        else {
          this.finish(turn.message, answer, turn);
          this.noteUnread();
          this.announceAnswer(answer);
        }
      } else if (event.type === "error") {
        this.onError(turn, event);
      }
    }

    /** It was the late end of what had been stopped before it was asked for again. Where that was taken, it is "busy" with it. */
    askTwice(turn) {
      Object.assign(turn, { again: 0, number: 0, text: "" });
      this.sendQuestion(turn);
    }

    onError(turn, event) {
      if (event.code === "busy" && turn.again === 0) return;
      const askAgain = (change) => {
        Object.assign(turn, { number: 0, text: "", ...change }); // it is told from its beginning
        this.client.close();
        this.sendQuestion(turn);
      };
      if (turn.resuming && event.code === "gone") this.lookBack(turn);
      else if (turn.isOthers && event.code === "not_found" && turn.drops < 4) {
        turn.drops += 1; // it is on its way yet
        setTimeout(() => this.turn === turn && this.resume(turn), 700);
      } else if (turn.isOthers && event.code === "not_found") {
        this.endTurn();
        turn.message.element.remove(); // it was refused where it was asked
      } else if (event.code === "event_unknown" && turn.number) {
        Object.assign(turn, { number: 0, text: "" }); // it was asked anew since
        this.resume(turn);
      } else if (turn.resuming && event.code === "not_found" && !turn.number) askAgain({ resuming: false });
      else if (CURED_BY_RENEWAL.has(event.code) && !turn.renewed) {
        this.client.token = null;
        askAgain({ renewed: true });
      } else if (event.code === "server_stopping" && !turn.text && !turn.moved) {
        askAgain({ moved: true, resuming: false });
      } else {
        const detail = event.code === "interrupted" ? null : event.detail;
        this.fail(new Failure(event.code, detail, event.retryable));
      }
    }

    /** The socket broke. The server goes on with a turn it has begun, and tells the rest over another socket. */
    onDrop() {
      const turn = this.turn;
      if (!turn || !turn.message) return this.comeBack();
      turn.drops += 1;
      if (turn.drops > MAX_DROPS) this.fail(new Failure("interrupted", null, true));
      else this.resume(turn);
    }

    async resume(turn) {
      this.onReconnecting();
      turn.resuming = true;
      try {
        await this.client.send({ type: "resume", request_id: turn.requestId, after: turn.number });
        if (this.turn !== turn) return;
        this.note(turn.message, "");
        this.watchSilence(turn);
      } catch (failure) {
        if (this.turn !== turn) return;
        if (failure.code === "network") this.holdOn(turn, this.words.network, () => this.resume(turn));
        else this.fail(failure);
      }
    }

    /** What the turn told is not kept any longer: look for its answer in the chat. */
    async lookBack(turn) {
      try {
        const session = await this.client.renew();
        if (this.turn !== turn) return;
        const [asked, answered] = (session.messages || []).slice(-2);
        const complete = answered && answered.role === "assistant" && asked.content === turn.question;
        if (!complete) throw new Failure("interrupted", null, true);
        if (isCut(answered)) return this.endStopped(turn, answered);
        this.endTurn();
        this.finish(turn.message, answered, turn);
        this.announceAnswer(answered);
      } catch (failure) {
        if (this.turn === turn) this.fail(failure);
      }
    }

    drawSoon(turn) {
      if (turn.waits) return;
      turn.waits = true;
      const draw = () => {
        turn.waits = false;
        if (this.turn !== turn) return;
        const known = new Set(turn.sources.map((source) => source.number));
        const mark = (number) => (known.has(number) ? build("span", { className: "mark" }, String(number)) : null);
        const began = performance.now();
        this.drawText(turn.message.body, turn.text, true, mark);
        this.tellSentences(turn, false);
        turn.rests = 5 * performance.now() - 4 * began; // a text that is slow to read is read seldom
        this.scrollDown();
      };
      setTimeout(() => requestAnimationFrame(draw), turn.rests - performance.now());
    }

    /** Draw a complete answer: `answer` is a done event or a message of the history. */
