  // --- One answer ---
  const write = (number) => number.toLocaleString(document.documentElement.lang || "en");
  const count = (number, one, several) => `${write(number)} ${say(number === 1 ? one : several)}`;

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
    const summary = build("summary", { className: "mr-summary" }, count(citations.length, "passage cited", "passages cited"));
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
    drawMarkdown(answer.text, text, mark, { words: COPY, isGrowing: !cited });
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
    const wasAtEnd = isAtEnd();
    draw(answer, frame.content, { details, numbers: new Set(frame.citations.map((each) => each.number)) });
    const spent = frame.cost_usd ? `$${frame.cost_usd.toFixed(6)}` : say("free");
    const tokens = frame.prompt_tokens + frame.completion_tokens;
    const facts = [say(frame.outcome), frame.model, `${write(frame.duration_ms)} ms`, count(tokens, "token", "tokens"), spent];
    if (frame.citations.length) answer.foot.append(details);
    answer.foot.append(build("p", { className: "mr-quiet" }, facts.join(" · ")), lookInside(place));
    if (frame.help && frame.help.questions.length) answer.foot.append(suggest(frame.help));
    if (PANEL.dataset.golden) answer.foot.append(keepGolden(place));
    follow(wasAtEnd);
  }

  /** What a visitor is offered below the answer; a click asks it. */
  function suggest({ questions, questions_label }) {
    const onclick = ({ target }) => {
      input.value = target.textContent;
      askBoth();
    };
    const buttons = questions.map((question) => build("button", { type: "button", className: "mr-button", dir: "auto", onclick }, question));
    return build("div", { className: "mr-tryout-next", role: "group", "aria-label": questions_label }, build("p", { className: "mr-quiet" }, questions_label), ...buttons);
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

