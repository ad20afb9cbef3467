    // --- What it wears, besides the look that is kept with the bot ---
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
      this.heading.textContent = this.window.ariaLabel = title;
    }

    /** How it looks with what is not saved yet, for the admin: nothing is asked of the server. */
    async tryOn(look, bot) {
      await this.fetchMarkdown();
      if (!this.window) return; // taken out of the page meanwhile
      this.bot = bot;
      this.clear();
      this.wear(look);
      this.greet();
    }

