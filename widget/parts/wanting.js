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
        if (!this[name]) await (fetchedMore || fetchMore(this.server));
        if (moreStyles && !this.hasMore) this.applyStyles(this.root);
        this.hasMore = true;
        return await this[name](...given);
      } catch (failure) {
        return this.showFailure(failure instanceof Failure ? failure : new Failure("failed"), () => this.withMore(name, ...given));
      }
    }

    static take(make) {
      const Made = make({ build, icon, iconButton, fill, link, randomId, MAX_QUESTION_LENGTH, CURED_BY_RENEWAL, Failure });
      const { constructor, ...methods } = Object.getOwnPropertyDescriptors(Made.prototype);
      Object.defineProperties(this.prototype, methods);
      Object.assign(ICONS, Made.icons);
      Object.assign(ENGLISH, Made.english);
      moreStyles = Made.styles;
    }

