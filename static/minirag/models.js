// A field that names a model offers what fits while one types: a combobox as the ARIA practices describe it.
// Any other text may be entered as well.
(() => {
  const say = window.mrSay || ((text) => text);
  let number = 0;

  const dress = (input) => {
    if (input.dataset.dressed) return;
    input.dataset.dressed = "yes";
    number += 1;
    const list = document.createElement("ul");
    list.id = `mr-models-${number}`;
    list.className = "mr-models";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", say("Models"));
    list.hidden = true;
    const holder = document.createElement("div");
    holder.className = "mr-models-holder";
    input.before(holder);
    holder.append(input, list);
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
    })) input.setAttribute(name, value);

    let active = -1;
    let asked = 0;
    let timer = 0;

    const close = () => {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };

    const point = (to) => {
      const options = list.querySelectorAll("[role=option]");
      if (!options.length) return;
      active = (to + options.length) % options.length;
      options.forEach((option, at) => option.setAttribute("aria-selected", String(at === active)));
      options[active].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[active].id);
    };

    const take = (option) => {
      input.value = option.dataset.model;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
      window.clearTimeout(timer);
      asked += 1;
      close();
    };

    const show = ({ items, total }) => {
      list.replaceChildren(
        ...items.map((item, at) => {
          const option = document.createElement("li");
          option.id = `${list.id}-${at}`;
          option.setAttribute("role", "option");
          option.dataset.model = item.model;
          const name = document.createElement("strong");
          name.textContent = item.model;
          const facts = document.createElement("span");
          facts.textContent = item.facts;
          option.append(name, facts);
          // Before the field loses its focus, which closes the list.
          option.addEventListener("mousedown", (event) => {
            event.preventDefault();
            take(option);
          });
          return option;
        }),
      );
      if (total > items.length) {
        const more = document.createElement("li");
        more.setAttribute("role", "presentation");
        more.className = "mr-quiet";
        more.textContent = `${(total - items.length).toLocaleString("en")} more: type on`;
        list.append(more);
      }
      active = -1;
      list.hidden = !items.length;
      input.setAttribute("aria-expanded", String(!list.hidden));
    };

    const ask = async (words) => {
      asked += 1;
      const mine = asked;
      const answer = await fetch(`${input.dataset.models}&q=${encodeURIComponent(words)}`).catch(() => null);
      if (!answer || !answer.ok || mine !== asked || document.activeElement !== input) return;
      const found = await answer.json();
      if (mine === asked) show(found);
    };

    input.addEventListener("input", (event) => {
      if (!event.isTrusted) return;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => ask(input.value.trim()), 150);
    });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) ask(event.altKey ? "" : input.value.trim());
        else point(active < 0 && event.key === "ArrowUp" ? -1 : active + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter" && !list.hidden && active >= 0) {
        event.preventDefault();
        take(list.querySelectorAll("[role=option]")[active]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        event.stopPropagation();
        close();
      }
    });
  };

  document.querySelectorAll("[data-models]").forEach(dress);
})();
