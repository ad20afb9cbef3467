    // --- Whether an answer was good, and why ---
    /** Show and send an opinion, and ask for its reasons. What the server does not take is shown as it was before. */
    async opine(below, messageId, before, chosen, show) {
      const verdict = chosen === before ? null : chosen;
      show(verdict);
      try {
        await this.exchange({ type: "feedback", message_id: messageId, feedback: verdict });
      } catch (failure) {
        show(before);
        throw failure;
      }
      this.askWhy(below, messageId, verdict);
    }

    /** Send an opinion, by a new session where this one has run out; resolves once it is saved. */
    async exchange(frame) {
      for (let isAgain = false; ; isAgain = true) {
        try {
          return await this.sendOnce({ ...frame, request_id: randomId() });
        } catch (failure) {
          if (isAgain || !CURED_BY_RENEWAL.has(failure.code)) throw failure;
          this.client.token = null;
          this.client.close();
        }
      }
    }

    async sendOnce(frame) {
      await this.client.send(frame);
      this.unsaved = this.unsaved || new Set();
      let waiting;
      let patience;
      try {
        return await new Promise((resolve, reject) => {
          this.unsaved.add((waiting = { frame, resolve, reject }));
          patience = setTimeout(() => reject(new Failure("network", null, true)), 20000);
        });
      } finally {
        clearTimeout(patience);
        this.unsaved.delete(waiting);
      }
    }

    /** What answers this script's own frames. Returns whether it was for nobody else. */
    hearMore(event) {
      if (event.request_id === "chats") this.hearChats(event);
      for (const { frame, resolve, reject } of this.unsaved || []) {
        if (event.type === "feedback_saved" && event.message_id === frame.message_id && event.feedback === frame.feedback) resolve();
        if (event.type !== "error" || event.request_id !== frame.request_id) continue;
        reject(new Failure(event.code, event.detail, event.retryable));
        return true;
      }
      return event.request_id === "chats";
    }

    askWhy(below, messageId, verdict) {
      const { words } = this;
      this.sweep(".why", below);
      if (!verdict) return;
      const isBad = verdict === "negative";
      const reasons = isBad ? ["reasonWrong", "reasonPart", "reasonUnclear", "reasonOld"] : [];
      const chips = reasons.map((name) => build("label", {}, build("input", { type: "checkbox", name, value: words[name] }), words[name]));
      const text = build("textarea", { rows: 2, maxLength: 800, dir: "auto", "aria-label": words.ownWords, placeholder: words.ownWords });
      const title = isBad ? words.whyNot : words.whyGood;
      const form = build("form", { className: "why", "aria-label": title }, build("p", {}, title),
        build("div", { className: "chips" }, ...chips), text, build("button", { type: "submit" }, words.send));
      form.onsubmit = async (event) => {
        event.preventDefault();
        const chosen = [...form.querySelectorAll(":checked")].map((each) => each.value);
        const reason = [chosen.join(", "), text.value.trim()].filter(Boolean).join(": ");
        form.inert = true;
        try {
          await this.exchange({ type: "feedback", message_id: messageId, feedback: verdict, reason });
        } catch (failure) {
          form.inert = false;
          return this.showFailure(failure, () => form.requestSubmit());
        }
        const thanks = build("p", { className: "why", role: "status", tabIndex: -1 }, words.thanks);
        form.replaceWith(thanks);
        return thanks.focus(); // the button that had it is gone
      };
      below.append(form);
      form.scrollIntoView({ block: "nearest" });
    }
