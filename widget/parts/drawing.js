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
      this.menuButton = iconButton("menu", words.chats, () => this.withMore("openPanel"), { className: "menu", "aria-haspopup": "dialog" });
      const buttons = [this.menuButton, iconButton("restart", words.restart, () => this.restart(), { className: "restart" })];
      if (!this.inline) buttons.push(iconButton("close", words.close, () => this.close(), { className: "close" }));
      const role = this.inline ? "region" : "dialog";
      this.typingLine = build("p", { className: "typing-line", role: "status", dir: "auto" });
      this.companyLine = build("div", { className: "company", role: "status", hidden: true });
      this.notice = build("footer", {}, words.notice);
      this.window = build(
        "section",
        { className: "window", part: "window", role, lang: words.tag, dir: words.dir, hidden: !this.inline },
        build("header", { part: "header", role: "none" }, this.heading, ...buttons),
        this.log,
        this.typingLine,
        this.companyLine,
        build("form", { className: "ask", part: "composer", onsubmit: (event) => this.onSubmit(event) }, this.input, this.sendButton),
        this.notice,
      );
      this.window.setAttribute("aria-label", this.heading.textContent);
      this.window.addEventListener("keydown", (event) => this.onWindowKey(event));
      if (!this.inline) {
        const toggle = () => (this.window.hidden ? this.open() : this.close());
        const states = { className: "bubble", part: "bubble", "aria-expanded": "false", "aria-haspopup": "dialog" };
        this.bubble = iconButton("chat", words.open, toggle, states);
      } else this.bubble = null;
      this.shelter();
      this.showBusy(false);
      this.pickContrast();
    }

    /** Where the browser has one, in its top layer; else it is an element like others. */
    shelter() {
      this.layer = build("div", { className: "layer" }, this.window);
      if (this.bubble) this.layer.append(this.bubble);
      this.root.append(this.layer);
      if (this.inline || !this.layer.showPopover) return;
      this.layer.popover = "manual";
      this.layer.showPopover();
    }

    /** A constructed sheet passes a page's style-src; the <style> is for browsers without it. */
    applyStyles(root) {
      if (!("adoptedStyleSheets" in root)) return root.append(build("style", {}, SHELTER + STYLES + PROSE + moreStyles));
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(SHELTER + STYLES + PROSE + moreStyles);
      root.adoptedStyleSheets = [sheet, ...root.adoptedStyleSheets.slice(1)];
    }

    /** Black or white on the page's own --primary, whichever reads better. */
    pickContrast() {
      const channels = (getComputedStyle(this.sendButton).backgroundColor.match(/[\d.]+/g) || []).map(Number);
      if (channels.length < 3) return;
      const linear = (value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const [red, green, blue] = channels.map(linear);
      const ink = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#10131a" : "#ffffff";
      for (const part of [this.window, this.bubble]) if (part) part.style.setProperty("--on-primary", ink);
    }

