    onSubmit(event) {
      event.preventDefault();
      const question = this.input.value;
      if (this.turn) this.stop();
      if (this.turn || !question.trim()) return;
      this.input.value = "";
      this.fitInput();
      this.ask(question);
    }

    /** The last question into the line again, to be asked in other words. */
    editAgain(text) {
      this.input.value = text;
      this.fitInput();
      this.input.focus();
    }

    onInputKey(event) {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!this.turn) this.onSubmit(event);
    }

    fitInput() {
      if (this.input.value) this.tellTyping();
      this.input.dir = this.input.value ? "auto" : this.words.dir;
      this.input.style.height = "auto";
      this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 132)}px`;
    }

    /** Follow the answer, unless the visitor has scrolled up to read. */
    scrollDown(always) {
      if (always || this.isAtEnd()) this.log.scrollTop = this.log.scrollHeight;
    }

    isAtEnd() {
      const { scrollHeight, scrollTop, clientHeight } = this.log;
      return scrollHeight - scrollTop - clientHeight < 120;
    }
