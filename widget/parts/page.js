    // --- What the page is told: docs/widget.md ---
    beginAnew(forget) {
      if (forget) {
        this.stop();
        this.memory.forget();
        this.input.value = "";
        this.drawAnew();
      } else if (this.started) this.restart();
      else this.memory.set("chat_id", null);
    }

    /** The filter of what may answer here, as JSON; "" where nothing narrows. */
    get narrowing() {
      const tags = this.setting("tags", "").split(",").map((tag) => tag.trim()).filter(Boolean);
      const said = Object.entries({ tags, ...this.context }).filter(([, value]) => value && value.length);
      return said.length ? JSON.stringify(Object.fromEntries(said)) : "";
    }

    /** For dates: the language of the words, as the page or the browser writes it ("en-GB"). */
    get locale() {
      const { words: { tag } } = this;
      const isRegional = (each) => each.startsWith(`${tag}-`) && /^\w+(-\w{4})?-[A-Z]{2}$/.test(each);
      return [this.wanted, ...navigator.languages].find(isRegional) || tag;
    }

    announceAnswer({ id, content, citations, refusal, cut_reason = null }) {
      const cited = (citations || []).map(tellCitation);
      this.announce("message", { role: "assistant", id, content, citations: cited, refused: Boolean(refusal), cut_reason });
    }

    announcePerson({ id, content, author }) {
      this.announce("message", { role: "person", id, content, person: author || "" });
    }

    announceCitation(citation) {
      this.announce("citation", tellCitation(citation));
    }

    announceFeedback({ message_id, feedback }) {
      this.announce("feedback", { message_id, feedback });
    }
