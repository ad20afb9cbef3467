/*
 * The inbox of a tenant's admin: chats that wait, and one of them as it goes on.
 * Made of widget/ by `python -m widget.build`: change the files there. Text from the network reaches the page as text nodes only.
 */
(() => {
  "use strict";
  const say = window.mrSay || ((text) => text);
  const place = document.querySelector("[data-inbox]");
  if (!place) return;
  const ICONS = {};

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

  const part = (name) => place.querySelector(`[data-${name}]`);
  const show = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };
  const BACKOFF = [1, 2, 4, 8, 15, 30];
  const title = document.title;

  // --- Sound: only after a click has allowed it ---
  let audio = null;
  const beep = () => {
    if (!audio) return;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.setValueAtTime(0.15, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
    tone.frequency.value = 880;
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.5);
  };
  const soundButton = part("sound");
  if (soundButton) soundButton.addEventListener("click", () => {
    if (audio) audio.close();
    audio = audio ? null : new AudioContext();
    soundButton.setAttribute("aria-pressed", String(Boolean(audio)));
    show(soundButton.querySelector("[data-label]"), audio ? say("Sound on") : say("Sound off"));
    show(soundButton.querySelector(".material-symbols-outlined"), audio ? "notifications_active" : "notifications_off");
    beep();
  });

  // --- The list ---
  let known = null;
  const fetchPage = async () => {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" } }).catch(() => null);
    return answer && answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  };
  /** The rows with what is counted below them; beside a chat, the open chats. */
  const LIVE = place.dataset.handoff ? ["[data-list]"] : ["#changelist", ".lg\\:scrollable-top"];
  const refreshList = async () => {
    const page = await fetchPage();
    for (const selector of page ? LIVE : []) {
      const [old, fresh] = [document, page].map((each) => each.querySelector(selector));
      // Rows that somebody is just marking, or a link that has the focus, are left alone.
      if (old && fresh && !old.contains(document.activeElement)) old.replaceWith(document.adoptNode(fresh));
    }
  };
  const showCount = (frame) => {
    document.title = frame.waiting ? `(${frame.waiting}) ${title}` : title;
    const count = document.querySelector("[data-count]");
    if (count) count.replaceChildren(build("strong", {}, String(frame.waiting)), ` ${count.dataset.waiting} · ${frame.joined} ${count.dataset.joined}`);
    const now = JSON.stringify(frame);
    if (known !== null && known !== now) {
      if (frame.newest > JSON.parse(known).newest) beep();
      refreshList();
    }
    known = now;
  };

  // --- One chat ---
  const thread = part("thread");
  const render = (text) => renderMarkdown(text, (number) => document.createTextNode(`[${number}]`));
  const dress = (node) => {
    const text = node.textContent;
    node.classList.add("mr-rendered");
    node.replaceChildren(render(text));
  };
  const names = { user: say("Visitor"), assistant: say("Bot"), person: say("Person") };
  const showMessage = (frame) => {
    const old = thread.querySelector(`[data-message="${frame.id}"]`);
    const header = build("header", {}, build("strong", {}, frame.author || names[frame.role] || ""), build("time", { className: "mr-quiet" }, `${frame.created_at.slice(0, 19).replace("T", " ")}`));
    if (frame.role === "assistant" && frame.outcome !== "answered") header.append(build("span", { className: `mr-tag mr-tag-${frame.outcome}` }, frame.outcome));
    if (frame.role === "person" && place.dataset.curate) {
      const href = place.dataset.curate.replace("00000000-0000-0000-0000-000000000000", frame.id);
      header.append(build("a", { className: "mr-link", href }, say("Make curated answer")));
    }
    const text = build("div", { className: "mr-text mr-rendered", dir: "auto" });
    text.append(render(frame.content));
    const cited = frame.citations.map((each) => build("details", {},
      build("summary", { dir: "auto" }, `[${each.number}] ${each.heading || each.title || say("Passage")}`),
      build("blockquote", { dir: "auto" }, each.content)));
    const made = build("article", { className: `mr-message mr-message-${frame.role}`, "data-message": frame.id }, header, text, ...cited);
    const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 120;
    if (old) old.replaceWith(made);
    else {
      for (const empty of thread.querySelectorAll("[data-empty]")) empty.remove();
      thread.append(made);
      if (frame.role === "user" && known !== null && document.hidden) beep();
      show(part("typing"), "");
    }
    if (atEnd) thread.scrollTop = thread.scrollHeight;
  };

  const showState = ({ state, told, is_mine: mine }) => {
    const notice = part("state");
    show(part("told"), told);
    notice.classList.toggle("mr-notice-warning", state === "waiting");
    const now = state === "joined" ? (mine ? "mine" : "taken") : state;
    for (const button of place.querySelectorAll("[data-when]")) button.hidden = !button.dataset.when.split(" ").includes(now);
    const box = place.querySelector("textarea");
    if (box) box.disabled = now !== "mine";
  };

  let typingTimer = 0;
  const showTyping = (frame) => {
    show(part("typing"), frame.by === "visitor" ? say("The visitor is typing …") : `${frame.name || say("Somebody")} ${say("is typing …")}`);
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => show(part("typing"), ""), 6000);
  };

  const present = new Map();
  const showPresent = (name) => {
    if (name) present.set(name, Date.now());
    for (const [each, since] of present) if (Date.now() - since > 35000) present.delete(each);
    const who = [...present.keys()];
    show(part("present"), who.length ? `${who.join(", ")} ${who.length > 1 ? "have" : "has"} this chat open, too.` : "");
  };

  // --- The socket ---
  let socket = null;
  let tries = 0;
  let refused = "";
  const hear = {
    inbox: showCount, message: showMessage, state: showState, typing: showTyping,
    present: (frame) => showPresent(frame.name),
    error: (frame) => show(part("connection"), refused = `${frame.detail} Load the page again.`),
  };
  const connect = () => {
    const url = new URL(place.dataset.socket, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    socket = new WebSocket(url);
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: "watch", ticket: place.dataset.ticket, handoff_id: place.dataset.handoff || null }));
    };
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type !== "error") { tries = 0; show(part("connection"), ""); }
      if (hear[frame.type]) hear[frame.type](frame);
    };
    socket.onclose = ({ code }) => {
      if (code === 4401) return show(part("connection"), refused || say("You are not logged in any more, or may not see this. Load the page again."));
      show(part("connection"), say("Connecting again …"));
      setTimeout(connect, BACKOFF[Math.min(tries, BACKOFF.length - 1)] * 1000 * (0.75 + Math.random() / 2));
      tries += 1;
    };
  };

  // --- What the person does ---
  const tell = (text) => {
    const error = part("error");
    if (!error) return;
    error.hidden = !text;
    show(error, text);
  };
  const act = async (url, box) => {
    const form = place.closest("form");
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    if (box) body.set("content", box.value);
    tell("");
    const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer) return tell(say("No connection. What you wrote is still here: try again."));
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) return tell(said.detail || say("That did not work. Load the page again."));
    showState(said);
    if (box) box.value = "";
    const field = place.querySelector("textarea");
    if (field && !field.disabled) field.focus();
  };
  if (place.dataset.handoff) {
    for (const node of place.querySelectorAll("[data-markdown]")) dress(node);
    thread.scrollTop = thread.scrollHeight;
    const notice = part("state");
    showState({ state: notice.dataset.state, told: part("told").textContent, is_mine: Boolean(notice.dataset.mine) });
    const box = place.querySelector("textarea");
    for (const button of place.querySelectorAll("[formaction]")) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        act(button.formAction, "send" in button.dataset ? box : null);
      });
    }
    let told = 0;
    if (box) {
      box.addEventListener("input", () => {
        if (Date.now() - told < 3000 || !socket || socket.readyState !== WebSocket.OPEN) return;
        told = Date.now();
        socket.send(JSON.stringify({ type: "typing" }));
      });
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
        event.preventDefault();
        place.querySelector("[data-send]").click();
      });
    }
    setInterval(() => showPresent(""), 10000);
  }
  connect();

  // --- Canned answers: `/` and the beginning of a name at the beginning of the answer ---
  const canned = JSON.parse((document.getElementById("canned-texts") || {}).textContent || "[]");
  const choices = part("canned");
  const reply = place.querySelector("textarea");
  let chosen = 0;
  const findCanned = () => {
    const asked = /^\/([^\n]*)$/u.exec(reply.value);
    if (!asked) return [];
    const beginning = asked[1].trim().toLowerCase();
    return canned.filter((each) => each.name.toLowerCase().includes(beginning)).slice(0, 8);
  };
  const showCanned = () => {
    const found = findCanned();
    chosen = Math.max(0, Math.min(chosen, found.length - 1));
    choices.hidden = !found.length;
    choices.replaceChildren(...found.map((each, at) => build("li",
      { role: "option", id: `canned-${at}`, "aria-selected": String(at === chosen), onmousedown: (event) => { event.preventDefault(); putCanned(each); } },
      build("strong", { dir: "auto" }, each.name), build("span", { className: "mr-quiet", dir: "auto" }, ` ${each.text.slice(0, 120)}`))));
    if (found.length) reply.setAttribute("aria-activedescendant", `canned-${chosen}`);
    else reply.removeAttribute("aria-activedescendant");
  };
  const putCanned = (each) => {
    reply.value = each.text;
    chosen = 0;
    showCanned();
    reply.focus();
    reply.dispatchEvent(new Event("input"));
  };
  if (reply && choices && canned.length) {
    reply.addEventListener("input", () => { chosen = 0; showCanned(); });
    reply.addEventListener("blur", () => { choices.hidden = true; });
    reply.addEventListener("keydown", (event) => {
      const found = choices.hidden ? [] : findCanned();
      if (!found.length || event.isComposing || event.ctrlKey || event.metaKey) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) chosen = (chosen + step + found.length) % found.length;
      else if (event.key === "Enter" || event.key === "Tab") return void (event.preventDefault(), putCanned(found[chosen]));
      else if (event.key === "Escape") { event.stopPropagation(); choices.hidden = true; return; }
      else return;
      event.preventDefault();
      showCanned();
    });
  }

  // --- Keys of one letter, but for who has switched them off, and never while something is typed ---
  const sheet = document.querySelector("[data-keys]");
  const off = sheet.querySelector("[data-keys-off]");
  const OFF = "minirag-inbox-keys-off";
  const store = (name, value) => { try { return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value); } catch { return null; } };
  off.checked = store(OFF) === "1";
  off.addEventListener("change", () => store(OFF, off.checked ? "1" : "0"));
  sheet.querySelector("[data-keys-close]").addEventListener("click", () => sheet.close());
  for (const button of document.querySelectorAll("[data-keys-open]")) button.addEventListener("click", () => sheet.showModal());
  const isTyping = (node) => node.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName);
  /** The first chat that waits, in the list of the page or beside the chat. */
  const openNext = () => {
    const here = location.pathname;
    const links = document.querySelectorAll("[data-list] a.mr-open, #result_list th a, #result_list td a[href*='/handoff/']");
    const next = [...links].find((each) => new URL(each.href).pathname !== here);
    if (next) location.assign(next.href);
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || sheet.open) return;
    if (event.key === "Escape" && event.target === reply) return void reply.blur();
    if (isTyping(event.target) || (off.checked && event.key !== "?")) return;
    const key = event.key.toLowerCase();
    if (key === "x" && !event.shiftKey) return; // closing is for good
    if (key === "?") sheet.showModal();
    else if (key === "n") openNext();
    else if (key === "r" && reply && !reply.disabled) reply.focus();
    else {
      const button = place.querySelector(`[data-key="${CSS.escape(key)}"]`);
      if (!button || button.hidden) return;
      button.click();
    }
    event.preventDefault();
  });
})();
