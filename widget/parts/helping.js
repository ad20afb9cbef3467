    /** What stands below an answer that is none: pages that come close, what else can be asked, a contact; or choices. */
    buildHelp(help, said) {
      const dir = RIGHT_TO_LEFT.includes(help.language) ? "rtl" : "ltr";
      const box = build("div", { className: "help", lang: help.language, dir });
      if (help.passages.length) box.append(this.buildNear(help));
      if (help.choices.length) box.append(this.buildSuggestions(help.choices, said));
      else if (help.questions.length) {
        const label = build("p", {}, help.questions_label);
        const group = this.buildSuggestions(help.questions, help.questions_label);
        group.prepend(label);
        box.append(group);
      }
      if (help.contact) box.append(this.buildContact(help));
      return box;
    }

    /** Buttons that ask; they go away with the next question. */
    buildSuggestions(questions, label) {
      const suggest = (question) => ({ type: "button", dir: "auto", onclick: () => this.ask(question) });
      const buttons = questions.map((question) => build("button", suggest(question), question));
      return build("div", { className: "suggestions", role: "group", "aria-label": label }, ...buttons);
    }

    /** A page with an address is a link; of another its beginning can be read here. */
    buildNear(help) {
      const list = build("ul", { "aria-label": help.passages_label });
      for (const near of help.passages) {
        const parts = [near.title, near.heading].filter((part, at, all) => part && all.indexOf(part) === at);
        const name = parts.join(" – ") || this.words.untitled;
        const url = safeUrl(near.url || "");
        let item = url && link(url, name);
        if (item) item.dir = "auto";
        else {
          const excerpt = build("p", { className: "excerpt", dir: "auto" }, near.content || "");
          item = build("details", {}, build("summary", { dir: "auto" }, name), excerpt);
        }
        list.append(build("li", {}, item));
      }
      return build("div", { className: "near" }, build("p", {}, help.passages_label), list);
    }

    buildContact(help) {
      const address = help.contact;
      const [before, ...after] = help.contact_label.split(address);
      const href = /^[^\s@:/?]+@[^\s@]+\.[^\s@]+$/.test(address) ? `mailto:${address}` :
        /^\+?[\d\s()/.-]{5,}$/.test(address) ? `tel:${address.replace(/[^\d+]/g, "")}` : safeUrl(address);
      const shown = href ? link(href, address) : address;
      return build("p", { className: "contact" }, before, build("bdi", {}, shown), after.join(address));
    }

