/*
 * "Try it" on a bot's page in the admin: asks the bot as its form has it, over the same socket as visitors.
 * Made of widget/parts by `python -m widget.build`: change those. Text from the network reaches the page as text nodes;
 * the trace of a turn is a part of a page that the server has written.
 */
(() => {
  "use strict";
  const say = window.mrSay || ((text) => text);
  const PANEL = document.querySelector("[data-trying]");
  if (!PANEL) return;
  const SECRET_FIELDS = ["new_api_key", "new_api_base", "clear_api_key"]; // what is typed there is not tried
  const SESSION_MINUTES = 20;

  // --- Small builders ---
  /** An element with properties ("aria-…", "data-…" and other dashed names become attributes) and children. */
  function build(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name.includes("-") || name === "role") element.setAttribute(name, value);
      else element[name] = value;
    }
    element.append(...children);
    return element;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const line of ICONS[name]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", line);
      if (name === "stop") path.setAttribute("fill", "currentColor");
      svg.append(path);
    }
    return svg;
  }

  const iconButton = (name, label, onclick, more) =>
    build("button", { type: "button", title: label, "aria-label": label, onclick, ...more }, icon(name));

  /** A random UUID; crypto.randomUUID exists on secure origins only. */
  function randomId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  const safeUrl = (text) => (/^https?:\/\/\S+$/i.test(text) ? text : null);

  const tellCitation = ({ number, title, url, page }) => ({ number, title, url: safeUrl(url || "") || "", page: page || null });

  const RIGHT_TO_LEFT = ["ar", "fa", "he", "ur"];
  const NEW_TAB = { target: "_blank", rel: "noopener noreferrer nofollow" };
  const link = (href, text) => build("a", { href, ...NEW_TAB }, text);

  // --- Markdown, as far as answers use it ---
  const INLINE = new RegExp(
    [
      "`([^`\\n]+)`", // 1 code
      "\\*\\*(\\S(?:[^\\n]*?\\S)?)\\*\\*", // 2 bold
      "\\*(\\S(?:[^*\\n]*?\\S)?)\\*", // 3 italics
      "_(\\S(?:[^_\\n]*?\\S)?)_(?![\\p{L}\\p{N}_])", // 4 italics
      "\\[([^\\]\\n]+)\\]\\(([^\\s()]+)\\)", // 5 text and 6 target of a link
      "\\[(\\d{1,3}(?:\\s*,\\s*\\d{1,3})*)\\]", // 7 citation markers
      "(https?://[^\\s<>()\\[\\]]*[^\\s<>()\\[\\].,;:!?'\"*_])", // 8 a bare URL
    ].join("|"),
    "gu",
  );

  /** Nodes for one stretch of text. `mark(number)` gives the node of a citation, or null to leave the text alone. */
  function renderInline(text, mark) {
    const nodes = [];
    let end = 0;
    for (const match of text.matchAll(INLINE)) {
      const [whole, code, bold, star, underscore, label, target, numbers, bare] = match;
      let made = null;
      if (code) made = [build("code", {}, code)];
      else if (bold) made = [build("strong", {}, ...renderInline(bold, mark))];
      else if (underscore && /[\p{L}\p{N}_]$/u.test(text.slice(0, match.index))) made = null; // snake_case_name
      else if (star || underscore) made = [build("em", {}, ...renderInline(star || underscore, mark))];
      else if (label) made = safeUrl(target) && [link(safeUrl(target), label)];
      else if (numbers) made = numbers.split(",").map((number) => mark(Number(number))).filter(Boolean);
      else if (bare) made = safeUrl(bare) && [link(safeUrl(bare), bare)];
      if (!made || !made.length) continue;
      nodes.push(text.slice(end, match.index), ...made);
      end = match.index + whole.length;
    }
    return [...nodes, text.slice(end)].filter((node) => node !== "");
  }

  const LIST_ITEM = /^\s*(?:[-*•]|(\d{1,3})[.)])\s+(.*)$/;

  /** Paragraphs, lists, fenced code and headings (as bold paragraphs) of an answer. */
  function renderMarkdown(text, mark) {
    const blocks = document.createDocumentFragment();
    const lines = text.replace(/\r\n?/g, "\n").split("\n");
    for (let at = 0; at < lines.length; ) {
      const start = at;
      if (!lines[at].trim()) {
        at += 1;
      } else if (lines[at].trimStart().startsWith("```")) {
        for (at += 1; at < lines.length && !lines[at].trimStart().startsWith("```"); ) at += 1;
        blocks.append(build("pre", {}, build("code", {}, lines.slice(start + 1, at).join("\n"))));
        at += 1;
      } else if (LIST_ITEM.test(lines[at])) {
        const list = build(LIST_ITEM.exec(lines[at])[1] ? "ol" : "ul", { dir: "auto" });
        if (list.tagName === "OL") list.start = Number(LIST_ITEM.exec(lines[at])[1]);
        for (; at < lines.length && lines[at].trim(); at += 1) {
          const item = LIST_ITEM.exec(lines[at]);
          if (item) list.append(build("li", {}, ...renderInline(item[2], mark)));
          else list.lastChild.append(" ", ...renderInline(lines[at].trim(), mark));
        }
        blocks.append(list);
      } else if (/^#{1,6}\s/.test(lines[at])) {
        const heading = lines[at].replace(/^#+\s+/, "");
        blocks.append(build("p", { dir: "auto" }, build("strong", {}, ...renderInline(heading, mark))));
        at += 1;
      } else {
        while (at < lines.length && lines[at].trim() && !/^\s*```|^#{1,6}\s/.test(lines[at])) {
          if (at > start && LIST_ITEM.test(lines[at])) break;
          at += 1;
        }
        const nodes = lines.slice(start, at).flatMap((line) => [build("br"), ...renderInline(line, mark)]);
        blocks.append(build("p", { dir: "auto" }, ...nodes.slice(1)));
      }
    }
    return blocks;
  }

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

  // --- One answer ---
  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  function makeAnswer(label) {
    const text = build("div", { className: "mr-tryout-text", dir: "auto" });
    const foot = build("div", { className: "mr-tryout-foot" });
    const box = build("div", { className: "mr-tryout-answer" });
    if (label) box.append(build("p", { className: "mr-quiet" }, label));
    box.append(text, foot);
    return { box, text, foot, said: "" };
  }

  function listCitations(citations) {
    const list = build("ol", { className: "mr-tryout-cited" });
    for (const each of citations) {
      const title = each.url && safeUrl(each.url) ? link(each.url, each.title || each.url) : each.title || say("Passage");
      const item = build("li", { value: each.number, tabIndex: -1 }, build("strong", {}, title));
      item.append(build("blockquote", { dir: "auto" }, each.content));
      list.append(item);
    }
    const summary = build("summary", { className: "mr-summary" }, count(citations.length, "passage") + " cited");
    return build("details", {}, summary, list);
  }

  function draw(answer, text, cited) {
    const mark = (number) => {
      if (cited && !cited.numbers.has(number)) return null;
      const onclick = () => {
        if (!cited) return;
        cited.details.open = true;
        const item = cited.details.querySelector(`li[value="${number}"]`);
        if (item) item.focus();
      };
      return build("button", { type: "button", className: "mr-cite", onclick, "aria-label": `${say("Passage")} ${number}` }, `[${number}]`);
    };
    answer.text.replaceChildren(renderMarkdown(text, mark));
    follow(false);
  }

  /** Ask on a socket and write what comes into the answer; resolves when it is over. */
  function ask(socket, question, answer, place) {
    const request_id = randomId();
    return new Promise((resolve) => {
      const end = () => {
        socket.listen = null;
        answer.stop = null;
        resolve();
      };
      answer.stop = () => {
        socket.send(JSON.stringify({ type: "stop" }));
        answer.foot.append(build("p", { className: "mr-quiet" }, say("Stopped.")));
        end();
      };
      socket.listen = (frame) => {
        if (frame.request_id && frame.request_id !== request_id) return;
        if (frame.type === "delta") {
          answer.said += frame.content;
          draw(answer, answer.said, null);
        } else if (frame.type === "tried") {
          finish(answer, frame, { ...place, request_id });
          end();
        } else if (frame.type === "error") {
          answer.foot.append(build("p", { className: "mr-tryout-bad" }, frame.detail));
          answer.foot.append(lookInside({ ...place, request_id }));
          end();
        }
      };
      socket.send(JSON.stringify({ type: "question", message: question, request_id }));
    });
  }

  function finish(answer, frame, place) {
    const details = listCitations(frame.citations);
    draw(answer, frame.content, { details, numbers: new Set(frame.citations.map((each) => each.number)) });
    const spent = frame.cost_usd ? `$${frame.cost_usd.toFixed(6)}` : "free";
    const tokens = frame.prompt_tokens + frame.completion_tokens;
    const facts = [frame.outcome, frame.model, `${frame.duration_ms.toLocaleString("en")} ms`, count(tokens, "token"), spent];
    if (frame.citations.length) answer.foot.append(details);
    answer.foot.append(build("p", { className: "mr-quiet" }, facts.join(" · ")), lookInside(place));
    if (PANEL.dataset.golden) answer.foot.append(keepGolden(place));
    follow(false);
  }

  const urlOf = ({ name, request_id }) => `${PANEL.dataset.trying}${name}/${request_id}/`;

  function lookInside(place) {
    const inside = build("div", {});
    const details = build("details", {}, build("summary", { className: "mr-summary" }, say("Trace, prompt and cost")), inside);
    details.addEventListener("toggle", async () => {
      if (!details.open || inside.hasChildNodes()) return;
      const response = await fetch(urlOf(place), { credentials: "same-origin" }).catch(() => null);
      if (response && response.ok) inside.innerHTML = await response.text();
      else inside.textContent = say("It is not kept any longer.");
    });
    return details;
  }

  function keepGolden(place) {
    const said = build("span", { role: "status" });
    const button = build("button", { type: "button", className: "mr-button" }, say("Save as golden question"));
    button.addEventListener("click", async () => {
      button.disabled = true;
      const response = await post(`${urlOf(place)}golden/`).catch(() => null);
      const answer = response ? await response.json().catch(() => ({})) : {};
      if (response && response.ok) said.replaceChildren(` ${say("Saved.")} `, build("a", { href: answer.url, className: "mr-path" }, say("Say what is right")));
      else said.textContent = ` ${answer.detail || say("It was not saved.")}`;
      button.disabled = Boolean(response && response.ok);
    });
    return build("p", { className: "mr-tryout-keep" }, button, said);
  }

  // --- The panel ---
  const opener = document.querySelector("[data-try-open]");
  const log = field("log");
  const input = field("question");
  const state = field("state");
  const compare = field("compare");
  const send = field("send");
  let running = [];

  /** Keep the end in view, unless somebody reads further up. */
  function follow(isWanted) {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 160;
    if (isWanted || isAtEnd) log.scrollTop = log.scrollHeight;
  }

  function show(isOpen) {
    PANEL.hidden = !isOpen;
    document.body.classList.toggle("mr-trying", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) input.focus();
    else opener.focus();
  }

  function tellErrors(errors) {
    state.replaceChildren(`${say("The form has mistakes, so nothing was asked:")} `);
    errors.forEach(({ field: name, label, detail }, at) => {
      if (at) state.append(" ");
      const target = name && document.getElementById(`id_${name}`);
      if (target) {
        const onclick = (event) => {
          event.preventDefault();
          target.focus();
        };
        state.append(build("a", { href: `#id_${name}`, className: "mr-path", onclick }, label), `: ${detail}`);
      } else {
        state.append(label ? `${label}: ${detail}` : detail);
      }
    });
    state.classList.add("mr-tryout-bad");
  }

  function tellSetup(found) {
    state.classList.remove("mr-tryout-bad");
    state.textContent = found.changed.length
      ? `${say("With changes that are not saved:")} ${found.changed.join(", ")}.`
      : say("As it is saved.");
    if (found.isNew && log.hasChildNodes()) log.append(build("p", { className: "mr-quiet mr-tryout-line" }, state.textContent));
  }

  function setBusy(isBusy) {
    send.textContent = isBusy ? say("Stop") : say("Ask");
    log.setAttribute("aria-busy", String(isBusy));
  }

  async function askBoth() {
    const question = input.value.trim();
    if (!question || running.length) return;
    running = [{}];
    setBusy(true);
    try {
      const found = await sessions.open();
      tellSetup(found);
      const wanted = compare.checked ? [["tried", say("As in the form")], ["saved", say("As it is saved")]] : [["tried", ""]];
      const answers = wanted.map(([, label]) => makeAnswer(label));
      const pair = build("div", { className: answers.length > 1 ? "mr-tryout-pair" : "" }, ...answers.map(({ box }) => box));
      log.append(build("p", { className: "mr-tryout-question", dir: "auto" }, question), pair);
      input.value = "";
      PANEL.classList.add("mr-tryout-begun");
      follow(true);
      running = answers;
      await Promise.all(
        wanted.map(async ([which], at) => {
          const place = { name: found[which].name };
          const socket = await connect(which, found[which].session_token);
          await ask(socket, question, answers[at], place);
        }),
      );
    } catch (failure) {
      tellErrors(failure.errors || [{ field: "", label: "", detail: failure.message }]);
      if (!failure.errors) state.firstChild.remove();
    }
    running = [];
    setBusy(false);
  }

  function stop() {
    running.forEach((answer) => answer.stop && answer.stop());
  }

  opener.addEventListener("click", () => show(PANEL.hidden));
  field("close").addEventListener("click", () => show(false));
  send.addEventListener("click", () => (running.length ? stop() : askBoth()));
  compare.addEventListener("change", () => PANEL.classList.toggle("mr-tryout-wide", compare.checked));
  field("new").addEventListener("click", () => {
    stop();
    sessions.found = null;
    log.replaceChildren();
    PANEL.classList.remove("mr-tryout-begun");
    input.focus();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    askBoth();
  });
  PANEL.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(false);
  });
  for (const each of PANEL.querySelectorAll("[data-question]")) {
    each.addEventListener("click", () => {
      input.value = each.dataset.question;
      askBoth();
    });
  }
})();
