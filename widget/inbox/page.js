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
  const render = (text) => renderMarkdown(text, (number) => document.createTextNode(`[${number}]`), { words: COPY });
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
