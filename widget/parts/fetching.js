/*!
 * What the MiniRAG widget fetches where it needs it, which is seldom. Made of widget/parts by `python -m widget.build`.
 */
const LISTEN_SECONDS = 25;
const MOST_BYTES = 64 * 1024; // what the server takes
const isAsking = (frame) => Boolean(frame) && ["question", "resume"].includes(frame.type);

/**
 * Behaves like a WebSocket, over requests: each frame is one, and its answer brings what the socket would have told.
 * `listens` says whether people may have something to say, for which a request is left open.
 */
export class FetchedSocket {
  constructor(url, listens) {
    Object.assign(this, { url, listens, readyState: WebSocket.CONNECTING, leaving: new AbortController() });
    queueMicrotask(() => this.onopen());
  }

  send(text) {
    const frame = JSON.parse(text);
    if (frame.type === "reset") { // what is told of the chat before leaves the new one alone
      this.who = { ...this.who, chat_id: null };
      this.asking = null;
    }
    if (isAsking(frame)) return (this.asking = this.ask(frame, this.asking));
    if (frame.type !== "authenticate") return this.exchange(frame);
    const { type, ...who } = frame;
    this.who = who;
    return this.exchange(null).then(() => this.listen());
  }

  /** Behind the one before, as a socket's questions are taken, until that has told which chat it began. */
  async ask(frame, before) {
    if (!this.who.chat_id) await before;
    return this.exchange(frame);
  }

  async listen() {
    while (this.readyState === WebSocket.OPEN && this.listens()) await this.exchange(null, LISTEN_SECONDS);
  }

  async exchange(frame, listen_seconds = 0) {
    const { who, leaving: { signal } } = this;
    const body = JSON.stringify({ ...who, frame, listen_seconds });
    const headers = { "Content-Type": "application/json" };
    const name = { request_id: (frame && frame.request_id) || "" };
    if (new Blob([body]).size > MOST_BYTES) {
      return this.tell({ type: "error", code: "too_long", retryable: false, ...name });
    }
    try {
      const response = await fetch(this.url, { method: "POST", headers, body, credentials: "omit", signal });
      if (response.ok) await this.read(response.body, frame, who);
      else if (!frame && this.readyState === WebSocket.OPEN) this.break(); // it only listened: come back as anew
      else {
        const { code, detail, retryable = false } = await response.json(); // a proxy's own page is none: a break
        this.tell({ type: "error", code, detail: typeof detail === "string" ? detail : null, retryable, ...name });
      }
    } catch {
      this.break();
    }
  }

  async read(stream, frame, who) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let isOver = !isAsking(frame);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").find((line) => line.startsWith("data: "));
        if (!data) continue;
        const event = JSON.parse(data.slice(6));
        isOver = isOver || event.type === "done" || event.type === "error";
        this.tell(event, who);
      }
    }
    if (!isOver) this.break(); // as where a proxy cut it off
  }

  tell(event, who = this.who) {
    if (this.readyState === WebSocket.CLOSED) return;
    const isFirst = this.readyState === WebSocket.CONNECTING;
    if (event.type === "authenticated" && !isFirst) return; // each answer begins with it
    if (event.type === "authenticated") this.readyState = WebSocket.OPEN;
    if (event.type === "company") { // and with how the chat stands
      if (JSON.stringify(event) === this.company) return;
      this.company = JSON.stringify(event);
    }
    if (event.chat_id && event.type !== "chat_forgotten") who.chat_id = event.chat_id;
    this.onmessage({ data: JSON.stringify(event) });
    if (event.type === "error" && isFirst) this.close();
  }

  break() {
    if (this.readyState === WebSocket.CLOSED) return;
    this.close();
    this.onclose();
  }

  close() {
    this.readyState = WebSocket.CLOSED;
    this.leaving.abort();
  }
}
