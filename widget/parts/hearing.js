    onSession(session) {
      this.bot = session.bot || {};
      const title = this.setting("title", this.bot.name || this.words.title);
      this.heading.textContent = title;
      this.window.setAttribute("aria-label", title);
    }

    onReconnecting() {
      if (this.turn && this.turn.message) this.note(this.turn.message, this.words.reconnecting);
    }

    onEvent(event) {
      const turn = this.turn;
      if (event.type === "feedback_saved" || !turn || !turn.message) return;
      if (event.request_id && event.request_id !== turn.requestId) return;
      if (event.chat_id) this.memory.set("chat_id", event.chat_id);
      this.watchSilence(turn);
      if (event.type === "sources") turn.sources = event.sources || [];
      if (event.type === "delta" && !turn.stopped) {
        turn.text += event.content;
        this.drawSoon(turn);
      } else if (event.type === "done") {
        this.endTurn();
        this.finish(turn.message, { ...event, content: event.content || turn.text, id: event.message_id }, turn);
      } else if (event.type === "error" && CURED_BY_RENEWAL.has(event.code) && !turn.renewed) {
        turn.renewed = true;
        this.client.token = null;
        this.client.close();
        this.sendQuestion(turn);
      } else if (event.type === "error") {
        this.fail(new Failure(event.code, event.detail, event.retryable));
      }
    }

    /** The socket broke. The server finishes a turn it has begun, so look there before offering to ask again. */
    async onDrop() {
      const turn = this.turn;
      if (!turn || !turn.message) return;
      this.onReconnecting();
      try {
        const session = await this.client.renew();
        if (this.turn !== turn) return;
        const [asked, answered] = (session.messages || []).slice(-2);
        const complete = answered && answered.role === "assistant" && asked.content === turn.question;
        if (!complete) throw new Failure("interrupted", null, true);
        this.endTurn();
        this.finish(turn.message, answered);
      } catch (failure) {
        if (this.turn === turn) this.fail(failure);
      }
    }

    drawSoon(turn) {
      if (turn.frame) return;
      turn.frame = requestAnimationFrame(() => {
        turn.frame = 0;
        if (this.turn !== turn) return;
        const known = new Set(turn.sources.map((source) => source.number));
        const mark = (number) => (known.has(number) ? build("span", { className: "mark" }, String(number)) : null);
        turn.message.body.replaceChildren(renderMarkdown(turn.text, mark));
        this.scrollDown();
      });
    }

    /** Draw a complete answer: `answer` is a done event or a message of the history. */
