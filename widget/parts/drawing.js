    draw() {
      const { words } = this;
      const logRole = { role: "log", "aria-label": words.log, "aria-live": "polite" };
      this.log = build("div", { className: "log", part: "log", tabIndex: 0, ...logRole });
      this.heading = build("h2", { dir: "auto" }, this.setting("title", words.title));
      const hints = { placeholder: this.setting("placeholder", words.placeholder), "aria-label": words.question };
      const limits = { rows: 1, dir: words.dir, maxLength: MAX_QUESTION_LENGTH, enterKeyHint: "send" };
      this.input = build("textarea", { ...hints, ...limits });
      this.input.addEventListener("input", () => this.fitInput());
      this.input.addEventListener("keydown", (event) => this.onInputKey(event));
      this.sendButton = build("button", { type: "submit", className: "send" });
      this.menuButton = iconButton("menu", words.chats, () => this.withMore("openPanel", this.beginning), { className: "menu", "aria-haspopup": "dialog" });
      const buttons = [this.menuButton, iconButton("restart", words.restart, () => this.restart(), { className: "restart" })];
      if (!this.inline) buttons.push(iconButton("close", words.close, () => this.close(), { className: "close" }));
      const role = this.inline ? "region" : "dialog";
      this.typingLine = build("p", { className: "typing-line", role: "status", dir: "auto" });
      this.companyLine = build("div", { className: "company", role: "status", hidden: true });
      this.telling = build("div", { className: "telling only-read", "aria-live": "polite" });
      this.notice = build("footer", {}, words.notice);
      this.window = build(
        "section",
        { className: "window", part: "window", role, lang: words.tag, dir: words.dir, hidden: !this.inline },
        build("header", { part: "header", role: "none" }, this.heading, ...buttons),
        this.log,
        this.telling,
        this.typingLine,
        this.companyLine,
        build("form", { className: "ask", part: "composer", onsubmit: (event) => this.onSubmit(event) }, this.input, this.sendButton),
        this.notice,
      );
      this.window.ariaLabel = this.heading.textContent;
      this.window.addEventListener("keydown", (event) => this.onWindowKey(event));
      this.layer.prepend(this.window);
      if (this.bubble) this.nameBubble();
      this.showBusy(false);
      this.pickContrast();
    }

