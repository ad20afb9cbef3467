  // --- Its look ---
    /** How the bot is to look, {} where nobody says. The browser keeps it for some minutes. */
    async fetchLook() {
      return (await fetchJson(`${this.server}/v1/widget/bots/${encodeURIComponent(this.ownBot)}/appearance`)) || {};
    }

    /** The look that is kept with the bot; until it is known there is no bubble, so that none jumps. */
    async dress(coming) {
      const { visit, bubble } = this;
      if (bubble) bubble.hidden = true;
      const look = await coming;
      if (this.visit !== visit) return; // drawn in another way meanwhile
      if (bubble) bubble.hidden = false;
      this.wear(look);
      this.announce("ready", { language: this.language });
    }

    /** What the page's tag or style sheet says counts before a look. */
    wear(look) {
      for (const name of this.worn || []) this.removeAttribute(name);
      this.look = look;
      this.worn = ["theme", "position", "size"].filter((name) => look[name] && !this.hasAttribute(name));
      for (const name of this.worn) this.setAttribute(name, look[name]);
      this.applyStyles();
      this.showLogo(look.logo_url && new URL(look.logo_url, this.server).href);
      this.showLauncher(look);
      if (this.window) this.nameWindow();
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
      const isOpen = Boolean(this.window) && !this.window.hidden;
      const title = isOpen ? this.words.close : this.words.open;
      const label = this.bubble.querySelector(".label");
      const ariaLabel = `${label ? `${label.textContent} (${title})` : title}${this.news || ""}`;
      Object.assign(this.bubble, { title, ariaLabel, ariaExpanded: String(isOpen) });
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
      for (const old of this.root.querySelectorAll("img.logo")) old.remove();
      if (!source) return;
      const onerror = (event) => event.target.remove();
      for (const place of [this.window && this.window.firstChild, this.bubble]) {
        if (place) place.prepend(build("img", { className: "logo", src: source, alt: "", onerror }));
      }
    }

    /** Constructed sheets pass a page's style-src; the <style> is for browsers without them. */
    applyStyles() {
      const texts = [styles, this.look ? this.writeRules(this.look) : ""];
      if ("adoptedStyleSheets" in this.root) {
        this.root.adoptedStyleSheets = texts.map((text) => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(text);
          return sheet;
        });
      } else {
        for (const old of this.root.querySelectorAll("style")) old.remove();
        this.root.append(build("style", {}, texts.join("")));
      }
    }

    /** Black or white on the page's own --primary, whichever reads better. */
    pickContrast() {
      const painted = this.window ? this.sendButton : this.bubble;
      const channels = ((painted && getComputedStyle(painted).backgroundColor.match(/[\d.]+/g)) || []).map(Number);
      if (channels.length < 3) return;
      const linear = (value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const [red, green, blue] = channels.map(linear);
      const ink = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#10131a" : "#ffffff";
      for (const part of [this.window, this.bubble]) if (part) part.style.setProperty("--on-primary", ink);
    }

