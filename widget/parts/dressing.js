  // --- Its look ---
    /** The look that is kept with the bot; until it is known there is no bubble, so that none jumps. */
    async dress(fetched) {
      const { client, bubble } = this;
      if (bubble) bubble.hidden = true;
      const look = await fetched;
      if (this.client !== client) return; // drawn in another way meanwhile
      if (bubble) bubble.hidden = false;
      this.wear(look);
      this.announce("ready", { language: this.words.tag });
    }

    /** What the page's tag or style sheet says counts before a look. */
    wear(look) {
      for (const name of this.worn || []) this.removeAttribute(name);
      this.look = look;
      this.worn = ["theme", "position", "size"].filter((name) => look[name] && !this.hasAttribute(name));
      for (const name of this.worn) this.setAttribute(name, look[name]);
      this.addStyles(this.writeRules(look));
      this.showLogo(look.logo_url && new URL(look.logo_url, this.server).href);
      this.showLauncher(look);
      this.nameWindow();
      this.pickContrast();
    }

    showLauncher({ launcher, launcher_label: label }) {
      if (!this.bubble) return;
      for (const old of this.bubble.querySelectorAll("svg, .label")) old.remove();
      this.bubble.append(icon(ICONS[launcher] ? launcher : "chat"), ...(label ? [build("span", { className: "label" }, label)] : []));
      this.bubble.classList.toggle("wide", Boolean(label));
      this.nameBubble();
    }

    /** What it does, after the words that stand on it: who speaks to a computer says what they see. */
    nameBubble() {
      const isOpen = !this.window.hidden;
      const title = isOpen ? this.words.close : this.words.open;
      const label = this.bubble.querySelector(".label");
      const news = this.unread ? `, ${count(this.words, "unread", this.unread)}` : "";
      const ariaLabel = `${label ? `${label.textContent} (${title})` : title}${news}`;
      Object.assign(this.bubble, { title, ariaLabel, ariaExpanded: String(isOpen) });
      this.bubble.classList.toggle("news", Boolean(this.unread));
      this.bubble.dataset.news = this.unread > 9 ? "9+" : this.unread || "";
    }

    writeRules({ color, dark_color: dark, radius }) {
      const paint = (colour) => `--primary: ${colour}; --primary-hover: color-mix(in srgb, ${colour} 85%, #000);`;
      const rules = [];
      if (color) rules.push(`:host { ${paint(color)} }`);
      if (Number.isInteger(radius)) rules.push(`:host { --radius: ${radius}px; }`);
      if (dark) {
        rules.push(`@media ${IN_THE_DARK} { :host(:not([theme="light"])) { ${paint(dark)} } }`);
        rules.push(`:host([theme="dark"]) { ${paint(dark)} }`);
      }
      return rules.join(" ");
    }

    showLogo(source) {
      for (const old of this.shadowRoot.querySelectorAll("img.logo")) old.remove();
      if (!source) return;
      const onerror = (event) => event.target.remove();
      for (const place of [this.window.firstChild, this.bubble]) {
        if (place) place.prepend(build("img", { className: "logo", src: source, alt: "", onerror }));
      }
    }

    /** How Markdown is shown: the words of its buttons, and whose pictures. */
    get way() {
      return { words: this.words, hosts: (this.look && this.look.image_hosts) || [] };
    }

    /** Show an answer, or what there is of it; its numbers are shown by `mark`. */
    drawText(body, text, isGrowing, mark = () => null) {
      drawMarkdown(body, text, mark, { ...this.way, isGrowing });
    }

    nameWindow() {
      const title = this.setting("title", (this.look && this.look.title) || this.bot.name || this.words.title);
      this.heading.textContent = title;
      this.window.setAttribute("aria-label", title);
    }

    /** How it looks with what is not saved yet, for the admin: nothing is asked of the server. */
    async preview(look, bot) {
      if (!(await this.isThere())) return;
      await this.fetchMarkdown();
      if (!this.window) return; // taken out of the page meanwhile
      this.bot = bot;
      this.log.replaceChildren();
      this.wear(look);
      this.greet();
    }

    addStyles(text) {
      const root = this.shadowRoot;
      if (this.ownStyle) this.ownStyle.remove();
      if (!("adoptedStyleSheets" in root)) return root.append((this.ownStyle = build("style", {}, text)));
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      root.adoptedStyleSheets = [root.adoptedStyleSheets[0], sheet];
    }

