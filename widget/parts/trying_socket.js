  // --- The server ---
  const field = (name) => PANEL.querySelector(`[data-part="${name}"]`);
  const csrf = () => document.querySelector("[name=csrfmiddlewaretoken]").value;
  const post = (url, body) =>
    fetch(url, { method: "POST", headers: { "X-CSRFToken": csrf() }, body, credentials: "same-origin" });

  /** What the form says now, without secrets. */
  function readForm() {
    const form = document.getElementById("botprofile_form");
    const data = form ? new FormData(form) : new FormData();
    SECRET_FIELDS.forEach((name) => data.delete(name));
    return data;
  }

  const signOf = (data) => JSON.stringify([...data].filter(([name]) => name !== "csrfmiddlewaretoken"));

  class Refusal extends Error {
    constructor(errors) {
      super(errors.map((each) => each.detail).join(" "));
      this.errors = errors;
    }
  }

  /** Both sessions, begun anew where the form has changed since. */
  const sessions = {
    sign: "",
    begun: 0,
    found: null,
    async open() {
      const data = readForm();
      const sign = signOf(data);
      const age = (Date.now() - this.begun) / 60000;
      if (this.found && sign === this.sign && age < SESSION_MINUTES) return { ...this.found, isNew: false };
      const response = await post(PANEL.dataset.trying, data).catch(() => null);
      const answer = response ? await response.json().catch(() => ({})) : {};
      if (!response || !response.ok) {
        throw new Refusal(answer.errors || [{ field: "", label: "", detail: answer.detail || say("The server cannot be reached.") }]);
      }
      for (const socket of Object.values(sockets)) socket.close();
      Object.keys(sockets).forEach((name) => delete sockets[name]);
      Object.assign(this, { found: answer, sign, begun: Date.now() });
      return { ...answer, isNew: true };
    },
  };

  const sockets = {};

  /** The authenticated socket of one of the sessions. */
  function connect(which, token) {
    const known = sockets[which];
    if (known && known.readyState === WebSocket.OPEN) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const url = new URL(PANEL.dataset.socket, window.location.href);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      const socket = new WebSocket(url);
      socket.onopen = () => socket.send(JSON.stringify({ type: "authenticate", session_token: token }));
      socket.onclose = () => {
        reject(new Error(say("The connection broke. Try again.")));
        if (socket.listen) socket.listen({ type: "error", detail: say("The connection broke. Try again.") });
      };
      socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.type === "authenticated") {
          sockets[which] = socket;
          resolve(socket);
        } else if (socket.listen) {
          socket.listen(frame);
        } else if (frame.type === "error") {
          sessions.found = null;
          reject(new Error(frame.detail));
        }
      };
    });
  }

