  // --- The panel ---
  const opener = document.querySelector("[data-try-open]");
  const log = field("log");
  const input = field("question");
  const state = field("state");
  const compare = field("compare");
  const send = field("send");
  let running = [];

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 160;

  /** Keep the end in view, unless somebody reads further up. */
  function follow(isWanted) {
    if (isWanted || isAtEnd()) log.scrollTop = log.scrollHeight;
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
