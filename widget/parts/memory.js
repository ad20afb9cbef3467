  // --- What the browser remembers ---
  /** Visitor id and last chat of one bot; falls back to memory where storage is forbidden. */
  class Memory {
    constructor(botId) {
      this.key = `minirag:${botId}`;
      this.values = {};
      try {
        this.values = JSON.parse(localStorage.getItem(this.key)) || {};
      } catch {} // storage is forbidden or damaged: start anew
      if (!this.values.visitor_id) this.set("visitor_id", randomId());
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

