  // --- What the browser remembers ---
  /** Visitor id and last chat of one bot, under its `key`; falls back to memory where storage is forbidden. */
  class Memory {
    /**
     * `onOtherTab` is told what was remembered before and now, when another tab of the same visitor changes it.
     * `whose` gives the mark of who is there now.
     */
    constructor(key, whose, onOtherTab) {
      this.key = key;
      this.whose = whose;
      this.values = this.read(() => localStorage.getItem(this.key));
      this.listen = ({ key, oldValue, newValue }) => {
        if (key !== this.key) return;
        const [before, now] = [this.read(() => oldValue), this.read(() => newValue)];
        if (!now.visitor_id || (now.who || "") !== (this.values.who || "")) return;
        this.values = now;
        onOtherTab(before, now);
      };
      addEventListener("storage", this.listen);
      if (!this.values.visitor_id) this.forget();
    }

    read(find) {
      try {
        const kept = JSON.parse(find());
        const { visitor_id, chat_id } = kept;
        if ([visitor_id, chat_id || visitor_id].every((id) => id.match(/^[\da-f-]{36}$/))) return kept;
      } catch {}
      return {}; // storage is forbidden or damaged: start anew
    }

    /** What was asked and has no answer yet. Who is there now sees none of who asked before on the same computer. */
    get turn() {
      const { turn } = this.values;
      return turn && turn.who === this.whose() ? turn : null;
    }

    set turn(turn) {
      this.set("turn", turn && { ...turn, who: this.whose() });
    }

    leave() {
      removeEventListener("storage", this.listen);
    }

    /** Another visitor from now on, who has asked nothing. */
    forget() {
      this.values = {};
      this.set("visitor_id", randomId());
    }

    set(name, value) {
      this.values[name] = value;
      try {
        localStorage.setItem(this.key, JSON.stringify(this.values));
      } catch {} // kept in memory only
    }
  }

  /** A short mark of the visitor whom an identity names, by which tabs tell each other's visitors apart. */
  function markOf(identity) {
    let name = identity || "";
    try {
      name = `${JSON.parse(atob(identity.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub || identity}`;
    } catch {} // not signed as it should be: the server says so
    return [...name].reduce((mark, letter) => (mark * 31 + letter.codePointAt(0)) | 0, 0).toString(36);
  }

