
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
