    // --- The rest of it ---
    /** Resolves to whether the rest is there, for which it is fetched; false where the element was taken away meanwhile. */
    async wake(isWanted = true) {
      const { visit } = this;
      if (!visit) return false; // it stands on no page
      if (isWanted) this.tellComing();
      const isThere = await (this.waking ||= this.fetchRest(visit));
      return isThere || (visit !== this.visit && this.wake(isWanted)); // drawn anew meanwhile
    }

    async fetchRest(visit) {
      for (let attempt = 0; visit === this.visit; attempt += 1) {
        await null; // in a bundle it follows in the same script
        const words = fetchWords(this.language, this.server);
        if (!this.moveIn) await fetchScript(CHAT, this.server).catch(() => {});
        if (this.moveIn) {
          const known = await words;
          if (visit !== this.visit) break;
          this.status.remove();
          if (this.bubble) this.bubble.ariaBusy = null;
          this.applyStyles();
          this.moveIn(known);
          return true;
        }
        if (visit !== this.visit || (!this.isWanted && attempt > 1 && !this.recall().turn)) break;
        await this.waitToRetry(Math.min(2 ** attempt, LONGEST_PAUSE_SECONDS));
      }
      if (visit === this.visit) this.waking = null;
      return false;
    }

    /** Until some seconds are over, there is a connection, or the visitor asks for it. */
    async waitToRetry(seconds) {
      this.isLost = true;
      if (this.isWanted) this.tellComing();
      await new Promise((resolve) => {
        this.retry = resolve;
        addEventListener("online", resolve, { once: true });
        setTimeout(resolve, seconds * 1000);
      });
      this.isLost = false;
    }

    /** Somebody waits for it: say that it is coming, where that takes a moment, or that it does not come. */
    tellComing() {
      const { visit, words, status } = this;
      const coming = `${words.open}…`;
      this.isWanted = true;
      if (this.bubble) this.bubble.ariaBusy = "true";
      const tell = () => visit === this.visit && !this.window && !status.firstChild && status.append(coming);
      if (!this.isLost) return setTimeout(tell, SLOW_MILLISECONDS);
      const onclick = () => {
        status.replaceChildren(coming);
        if (this.bubble) this.bubble.focus();
        this.retry();
      };
      return status.replaceChildren(`✕ ${words.open} `, build("button", { type: "button", onclick }, words.retry));
    }

