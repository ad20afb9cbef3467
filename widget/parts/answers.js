    finish(message, answer, turn) {
      const citations = answer.citations || [];
      const wasAtEnd = this.isAtEnd();
      const items = new Map();
      const mark = (number) => {
        const citation = citations.find((each) => each.number === number);
        if (!citation) return null;
        const label = fill(this.words.source, { n: number, title: citation.title || this.words.untitled });
        const onclick = ({ target }) => this.showSource(items.get(number), target);
        const look = { type: "button", className: "mark", title: label, "aria-label": label, onclick };
        return build("button", look, String(number));
      };
      const { help } = answer;
      const content = answer.content || "";
      // The choices are buttons here; those who see none are told them as a list.
      const said = help && help.choices.length ? content.split("\n", 1)[0] : content;
      this.drawText(message.body, said, false, mark);
      const cut = answer.cut_reason ? this.words[`cut_${answer.cut_reason}`] || "" : "";
      this.note(message, cut);
      if (answer.refusal) {
        message.element.classList.add("refusal");
        if (answer.refusal.reason !== "content_filter") {
          message.body.prepend(build("div", { className: "label", dir: this.words.dir }, icon("search"), this.words.refused));
        }
      }
      if (turn) this.tellSentences(turn, true);
      const below = build("div", { className: "below" });
      if (citations.length) below.append(this.buildSources(citations, items));
      if (answer.id) below.append(this.buildThumbs(answer.id, answer.feedback || null));
      const parts = [help ? this.buildHelp(help, said) : "", below.childElementCount ? below : ""];
      message.element.append(...(citations.length ? parts.reverse() : parts)); // what else can be asked is below the sources
      this.scrollDown(wasAtEnd);
      // Help may be higher than the window: its sentence is read first.
      if (help && wasAtEnd && !citations.length) this.log.scrollTop -= Math.max(0, message.element.offsetHeight - this.log.clientHeight);
    }

    buildSources(citations, items) {
      const list = build("ol");
      for (const citation of citations) {
        const title = citation.title || this.words.untitled;
        const url = safeUrl(citation.url || "");
        if (citation.kind === "curated") { // what it says is the answer itself
          list.append(build("li", {}, url ? link(url, title) : build("span", { dir: "auto" }, title)));
          continue;
        }
        const place = citation.page ? fill(this.words.page, { n: citation.page }) : citation.place;
        const where = build("span", { className: "page" }, place ? `, ${place}` : "");
        const summary = build("summary", { dir: "auto" }, build("b", {}, `${citation.number}.`), ` ${title}`, where);
        const excerpt = build("p", { className: "excerpt", dir: "auto" }, citation.content || "");
        const item = build("details", {}, summary, excerpt);
        item.ontoggle = () => item.open && this.announceCitation(citation);
        if (url) item.append(link(url, this.words.openSource));
        items.set(citation.number, item);
        list.append(build("li", {}, item));
      }
      const label = count(this.words, "sources", citations.length);
      return build("details", { className: "sources" }, build("summary", {}, label), list);
    }

    /** Open a passage; Esc closes it and goes back to where it was asked for. */
    showSource(item, from) {
      this.shown = { item, from };
      item.closest(".sources").open = true;
      item.open = true;
      item.classList.remove("shown");
      void item.offsetWidth; // restarts the animation
      item.classList.add("shown");
      item.scrollIntoView({ block: "nearest" });
      item.querySelector("summary").focus({ preventScroll: true });
    }

    buildThumbs(messageId, given) {
      let current;
      const buttons = {};
      const show = (verdict) => {
        current = verdict;
        for (const value in buttons) buttons[value].ariaPressed = String(current === value);
      };
      const choose = (value) => this.withMore("opine", thumbs.parentElement, messageId, current, value, show);
      buttons.positive = iconButton("up", this.words.helpful, () => choose("positive"));
      buttons.negative = iconButton("down", this.words.unhelpful, () => choose("negative"));
      show(given);
      const thumbs = build("div", { className: "thumbs" }, buttons.positive, buttons.negative);
      return thumbs;
    }

    /** A line below the message in place of the one before; an empty text removes it. */
    note(message, text) {
      this.sweep(".note", message.element);
      if (text) message.element.append(build("p", { className: "note" }, text));
    }

    showFailure(failure, again) {
      const text = tellFailure(failure.code, this.words);
      this.announce("error", { code: failure.code, detail: text, retryable: Boolean(failure.retryable) });
      const look = { className: text === this.words.failed ? "card" : "card quiet", role: "alert" };
      const card = build("div", look, build("p", { dir: "auto" }, text));
      if (failure.retryable) {
        const button = build("button", { type: "button" }, this.words.retry);
        button.addEventListener("click", () => (card.remove(), this.input.focus(), again()));
        card.append(button);
      }
      this.log.append(card);
      this.scrollDown(true);
    }

    /** While busy, the log is silent for screen readers: they are told the answer's sentences beside it. */
    showBusy(busy) {
      const name = busy ? "stop" : "send";
      const label = this.words[name];
      this.log.ariaBusy = String(busy);
      this.sendButton.dataset.icon = name;
      this.sendButton.replaceChildren(icon(name));
      this.sendButton.title = this.sendButton.ariaLabel = label;
    }

