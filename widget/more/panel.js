    // --- Conversations and settings, over the conversation ---
    /** `wished` is the beginning of the conversation in which it was: not for who has come since. */
    openPanel(wished) {
      if (this.panel || wished !== this.beginning) return;
      const { words } = this;
      const title = build("h3", { id: "panel-title" }, words.chats);
      const close = iconButton("close", words.backToChat, () => this.closePanel(), { className: "close" });
      this.chatList = build("ul", { "aria-label": words.chats }, build("li", { className: "quiet" }, "…"));
      const fresh = this.panelButton("restart", words.restart, () => (this.closePanel(), this.restart()));
      const file = this.panelButton("download", words.download, () => this.download());
      this.panel = build("div", { className: "panel", role: "dialog", "aria-modal": "true", "aria-labelledby": "panel-title" },
        build("div", { className: "panel-head" }, title, close), this.chatList,
        build("div", { className: "panel-foot" }, fresh, file, this.soundSwitch()));
      for (const each of this.window.children) each.inert = true;
      this.window.append(this.panel);
      close.focus();
      this.askForChats();
    }

    closePanel() {
      if (!this.panel) return;
      this.panel.remove();
      this.panel = null;
      for (const each of this.window.children) each.inert = false;
      this.menuButton.focus();
    }

    panelButton(picture, label, onclick) {
      return build("button", { type: "button", onclick }, icon(picture), label);
    }

    soundSwitch() {
      const wished = () => Boolean(this.memory.values.sound);
      const button = this.panelButton("bell", this.words.sound, () => {
        this.memory.set("sound", !wished());
        button.ariaChecked = String(wished());
        if (wished()) this.ring();
      });
      button.setAttribute("role", "switch");
      button.ariaChecked = String(wished());
      return button;
    }

    /** Two soft tones; a browser that has not been touched yet plays none. */
    ring() {
      const audio = new AudioContext();
      const volume = audio.createGain();
      volume.gain.setValueAtTime(0.08, audio.currentTime);
      volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
      volume.connect(audio.destination);
      [660, 880].forEach((frequency, at) => {
        const tone = audio.createOscillator();
        tone.frequency.value = frequency;
        tone.connect(volume);
        tone.start(audio.currentTime + at * 0.12);
        tone.stop(audio.currentTime + 0.5);
      });
      setTimeout(() => audio.close(), 1000);
    }

    async askForChats() {
      const failed = () => this.chatList.replaceChildren(build("li", { className: "quiet" }, this.words.failed));
      await this.client.send({ type: "chats", request_id: "chats" }).catch(failed);
    }

    hearChats(event) {
      if (event.type === "error" && this.panel) this.chatList.replaceChildren(build("li", { className: "quiet" }, this.words.failed));
      if (event.type === "chat_forgotten" && event.chat_id === this.memory.values.chat_id) this.restart();
      if (!this.panel) return;
      if (event.type === "chat_forgotten") this.askForChats();
      if (event.type === "chats") this.drawChats(event.chats);
    }

    drawChats(chats) {
      const { words } = this;
      const when = new Intl.DateTimeFormat(this.locale, { dateStyle: "medium", timeStyle: "short" });
      const rows = chats.map((chat) => {
        const isOpen = chat.id === this.memory.values.chat_id;
        const title = build("span", { className: "title", dir: "auto" }, chat.title || words.log);
        const time = build("span", { className: "quiet" }, when.format(new Date(`${chat.updated_at}Z`)));
        const open = build("button", { type: "button", className: "chat", onclick: () => this.turnTo(chat.id) }, title, time);
        if (isOpen) open.setAttribute("aria-current", "true");
        const name = `${words.forget}: ${chat.title || words.log}`;
        const forget = iconButton("bin", name, () => {
          if (forget.classList.contains("sure")) return this.client.send({ type: "forget_chat", chat_id: chat.id, request_id: "chats" });
          forget.classList.add("sure");
          forget.replaceChildren(words.forgetSure);
          forget.ariaLabel = `${words.forgetSure} ${chat.title || words.log}`;
        });
        return build("li", {}, open, forget);
      });
      this.chatList.replaceChildren(...(rows.length ? rows : [build("li", { className: "quiet" }, words.noChats)]));
      if (!this.panel.contains(this.shadowRoot.activeElement)) this.panel.querySelector(".close").focus(); // it was on what is gone
    }

    /** Go on in another conversation of this visitor's; what is being answered goes on without a reader. */
    turnTo(id) {
      this.closePanel();
      if (this.turn) this.endTurn();
      this.memory.turn = null;
      this.memory.set("chat_id", id);
      this.client.token = null;
      this.client.close();
      this.showCompany(null);
      this.started = null;
      this.input.focus();
      return this.start();
    }

    /** The conversation as it stands here, with its sources, as a text file. */
    download() {
      const lines = [this.heading.textContent, new Date().toLocaleString(this.locale), ""];
      for (const message of this.log.querySelectorAll(".message")) {
        const isVisitor = message.classList.contains("user");
        const who = message.querySelector(":scope > .label");
        const said = message.querySelector(".body") || message.querySelector(".said") || message;
        lines.push(`${isVisitor ? this.words.you : (who || this.heading).textContent}:`, said.innerText.trim());
        for (const source of message.querySelectorAll(".sources li")) {
          const address = source.querySelector("a");
          lines.push(`  ${(source.querySelector("summary") || source).innerText.trim()}${address ? ` – ${address.href}` : ""}`);
        }
        lines.push("");
      }
      const file = new Blob([lines.join("\n")], { type: "text/plain;charset=utf-8" });
      const href = URL.createObjectURL(file);
      build("a", { href, download: `chat-${new Date().toISOString().slice(0, 10)}.txt` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10000);
    }
