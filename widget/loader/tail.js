  }

  for (const name of ATTRIBUTES) {
    Object.defineProperty(MiniRagWidget.prototype, camel(name), {
      get() {
        return this.getAttribute(name) || "";
      },
      set(value) {
        this.say(name, value);
      },
    });
  }
  customElements.define("minirag-widget", MiniRagWidget);
})();
