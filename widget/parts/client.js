  // --- Talking to the server ---
  /** One bot session and its socket. Calls onSession, onEvent, onDrop and onReconnecting of its owner. */
  class Client {
    constructor(apiUrl, botId, memory, owner, { apiToken, language }) {
      Object.assign(this, { apiUrl, botId, memory, owner, apiToken, language });
      Object.assign(this, { token: null, socket: null, connecting: null });
    }

    /** Whether the element went on with another client, since it was taken out of the page or drawn anew. */
    get isLeft() {
      return this.owner.client !== this;
    }

    async openSession() {
      if (this.isLeft) throw new Failure("superseded", null, false);
      const { visitor_id, chat_id = null } = this.memory.values;
      const identity = this.owner.setting("identity", ""); // what the page says now: it may have been renewed
      const known = identity ? { identity } : {};
      const response = await fetch(`${this.apiUrl}/v1/widget/sessions`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(this.apiToken ? { Authorization: `Bearer ${this.apiToken}` } : {}),
        },
        body: JSON.stringify({ bot_profile_id: this.botId, visitor_id, chat_id, ...known }),
        credentials: "omit",
      }).catch(() => {
        throw new Failure("network", null, true);
      });
      const answer = await response.json().catch(() => ({}));
      // Somebody else is there by now, and has asked for their own: what this answer shows is not for them.
      if (this.isLeft || this.owner.setting("identity", "") !== identity) throw new Failure("superseded", null, false);
      if ([404, 409].includes(response.status)) throw new Failure("unavailable", null, false);
      if (!response.ok) {
        const detail = typeof answer.detail === "string" ? answer.detail : null;
        throw new Failure(answer.code || "failed", detail, response.status >= 500 || response.status === 429);
      }
      this.session = answer;
      this.memory.set("who", this.memory.whose());
      this.token = answer.session_token;
      this.memory.set("chat_id", answer.chat_id || null);
      this.owner.onSession(answer);
      return answer;
    }

    /** Resolves once the socket is authenticated; waits and tries again while the network is away. */
    ready() {
      if (this.socket && this.socket.readyState === WebSocket.OPEN) return Promise.resolve();
      this.connecting = this.connecting || this.establish().finally(() => (this.connecting = null));
      return this.connecting;
    }

    async establish() {
      let renewed = false;
      for (let attempt = 0; ; attempt += 1) {
        try {
          if (!this.token) await this.openSession();
          const token = this.token;
          const socket = await this.connect(token);
          if (token === this.token) return (this.socket = socket);
          socket.close(); // it is the one of whom the page knew before
        } catch (failure) {
          if (failure.code === "superseded" && !this.isLeft) continue;
          if (CURED_BY_RENEWAL.has(failure.code) && !renewed) {
            renewed = true;
            this.token = null;
          } else if (failure.code === "network" && attempt < BACKOFF_SECONDS.length && navigator.onLine) {
            this.owner.onReconnecting();
            const pause = BACKOFF_SECONDS[attempt] * (750 + 500 * Math.random());
            await new Promise((resolve) => setTimeout(resolve, pause));
          } else {
            throw failure;
          }
        }
      }
    }

    /** A socket that has said who it is. Where a proxy refuses them or never answers, requests do the same. */
    async connect(token) {
      if (!this.isFetching) {
        try {
          const address = `${this.apiUrl.replace(/^http/, "ws")}/ws/chat/`;
          const socket = await this.introduce(token, () => new WebSocket(address));
          this.hadSocket = true;
          return socket;
        } catch (failure) {
          if (failure instanceof Failure && failure.code !== "network") throw failure;
        }
      }
      const { FetchedSocket } = await fetchSeldom(this.apiUrl);
      const listens = () => this.owner.people || this.owner.company;
      const fetched = await this.introduce(token, () => new FetchedSocket(`${this.apiUrl}/v1/widget/frames`, listens));
      this.isFetching = !this.hadSocket; // until the page is left; where one came through, the next is tried again
      return fetched;
    }

    introduce(token, open) {
      return new Promise((resolve, reject) => {
        const socket = open(); // a WebSocket throws where the page's policy forbids it
        const lose = () => reject(new Failure("network", null, true));
        const patience = setTimeout(() => (lose(), socket.close()), SOCKET_PATIENCE_SECONDS * 1000);
        let authenticated = false;
        socket.onopen = () => {
          const { language, memory: { values: { chat_id = null } } } = this;
          this.narrowing = this.owner.narrowing;
          const narrowed = this.narrowing ? { source_filter: JSON.parse(this.narrowing) } : {};
          socket.send(JSON.stringify({ type: "authenticate", session_token: token, chat_id, language, ...narrowed }));
        };
        socket.onclose = () => {
          clearTimeout(patience);
          if (!authenticated) lose();
          else if (socket === this.socket) this.owner.onDrop();
        };
        socket.onmessage = ({ data }) => {
          const event = JSON.parse(data);
          clearTimeout(patience);
          if (authenticated) {
            if (socket === this.socket) this.owner.onEvent(event);
          } else if (event.type === "authenticated") {
            authenticated = true;
            resolve(socket);
          } else if (event.type === "error") {
            reject(new Failure(event.code, event.detail, event.retryable));
            socket.close();
          }
        };
      });
    }

    /** Leaves a socket that was opened when the page narrowed in another way. */
    keepUp() {
      if (this.socket && this.narrowing !== this.owner.narrowing) this.close();
    }

    async send(frame) {
      await this.ready();
      this.socket.send(JSON.stringify(frame));
    }

    /** A new session on a new socket; resolves to the session with the messages that the server has by now. */
    async renew() {
      this.token = null;
      this.close();
      await this.ready();
      return this.session;
    }

    close() {
      if (this.socket) this.socket.close(); // its onclose comes later, when it is none of ours any more
      this.socket = null;
    }
  }

