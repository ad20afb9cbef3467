    /** Something was said that the visitor does not see: counted on the bubble, and heard where they wish that. */
    noteUnread() {
      const isSeen = this.inline || !this.window.hidden;
      if (this.memory.values.sound && (!isSeen || document.hidden)) this.withMore("ring");
      if (isSeen) return;
      this.unread = (this.unread || 0) + 1;
      this.nameBubble();
    }

    /** A method of more.js, which is fetched for it. */
    async withMore(name, ...given) {
      try {
        if (!this[name]) await fetchScript(MORE, this.server);
        if (moreStyles && !this.hasMore) this.applyStyles(this.root);
        this.hasMore = true;
        return await this[name](...given);
      } catch (failure) {
        return this.showFailure(failure instanceof Failure ? failure : new Failure("failed"), () => this.withMore(name, ...given));
      }
    }

    /** Waits for Markdown, but not for long: what was shown without it is drawn anew when it comes. */
    async fetchMarkdown() {
      if (markdown) return;
      const fetchIt = async () => {
        await fetchScript(MARKDOWN, this.server);
        for (const each of markdown ? this.root.querySelectorAll(".plain") : []) each.again();
      };
      const patience = new Promise((resolve) => setTimeout(resolve, MARKDOWN_SECONDS * 1000));
      await Promise.race([fetchIt().catch(() => {}), patience]); // where it does not come, the next question tries again
    }

    static learn(make) {
      markdown = make({ build, link, safeLink });
    }

    static take(make) {
      const Made = make({ build, icon, iconButton, fill, link, randomId, MAX_QUESTION_LENGTH, CURED_BY_RENEWAL, Failure });
      const { constructor, ...methods } = Object.getOwnPropertyDescriptors(Made.prototype);
      Object.defineProperties(this.prototype, methods);
      Object.assign(ICONS, Made.icons);
      Object.assign(ENGLISH, Made.english);
      moreStyles = Made.styles;
    }

