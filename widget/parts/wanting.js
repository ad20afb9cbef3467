    /** Something was said that the visitor does not see: counted on the bubble, and heard where they wish that. */
    noteUnread() {
      const isSeen = this.inline || !this.window.hidden;
      if (this.memory.values.sound && (!isSeen || document.hidden)) this.withMore("ring");
      if (isSeen) return;
      this.countUnread((this.unread || 0) + 1);
    }

    countUnread(number) {
      this.unread = number;
      this.news = number ? `, ${count(this.words, "unread", number)}` : "";
      this.bubble.classList.toggle("news", Boolean(number));
      this.bubble.dataset.news = number > 9 ? "9+" : number || "";
      this.nameBubble();
    }

    /** A method of more.js, which is fetched for it. */
    async withMore(name, ...given) {
      try {
        if (!this[name]) await fetchScript(MORE, this.server);
        if (!this.hasMore) this.applyStyles();
        this.hasMore = true;
        return await this[name](...given);
      } catch (failure) {
        return this.showFailure(failure instanceof Failure ? failure : new Failure("failed"), () => this.withMore(name, ...given));
      }
    }

    /** Waits for Markdown, but not for long: what was shown without it is drawn anew when it comes. */
    async fetchMarkdown() {
      if (own.markdown) return;
      const fetchIt = async () => {
        await fetchScript(MARKDOWN, this.server);
        for (const each of own.markdown ? this.root.querySelectorAll(".plain") : []) each.again();
      };
      const patience = new Promise((resolve) => setTimeout(resolve, MARKDOWN_SECONDS * 1000));
      await Promise.race([fetchIt().catch(() => {}), patience]); // where it does not come, the next question tries again
    }

