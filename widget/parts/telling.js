    // --- What a screen reader hears of an answer while it is written: whole sentences, each once ---
    /** What stands in an answer to be read aloud, a line a block; its numbers and buttons are left out. */
    readText(body) {
      const blocks = [];
      const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
      let before;
      while (walker.nextNode()) {
        const { data, parentElement: around } = walker.currentNode;
        if (around.closest("button, .mark, .typing")) continue;
        const block = around.closest("p, li, h3, h4, td, th, pre, .plain, .label");
        blocks.push(block === before ? blocks.pop() + data : data);
        before = block;
      }
      return blocks.join("\n");
    }

    /** Sentences as the language of the words divides them, which Chinese does without spaces. */
    divide(text) {
      if (!Intl.Segmenter) return text.split("\n");
      return Array.from(new Intl.Segmenter(this.words.tag, { granularity: "sentence" }).segment(text), ({ segment }) => segment);
    }

    /** Tell those that are new; the last may still be growing, unless the answer is complete. */
    tellSentences(turn, isComplete) {
      const sentences = this.divide(this.readText(turn.message.body)).map((each) => each.trim()).filter(Boolean);
      const known = isComplete ? sentences : sentences.slice(0, -1);
      this.tell(known.slice(turn.told).join(" "));
      turn.told = Math.max(turn.told, known.length);
    }

    /** Nothing of what was said can be read or heard any more. */
    clear() {
      this.log.textContent = this.telling.textContent = "";
    }

    tell(text) {
      if (text) this.telling.append(build("p", {}, text));
    }
