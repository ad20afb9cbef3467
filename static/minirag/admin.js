// The theme's htmx would put a style of its own into the page, which our Content-Security-Policy forbids and nothing needs.
htmx.config.includeIndicatorStyles = false;

// What scripts of the admin say, in the reader's language: the page has the words, where it is not English.
{
  let words = null;
  window.mrSay = (text) => {
    const told = words || document.getElementById("mr-words");
    if (told && !words) words = JSON.parse(told.textContent);
    return (words && words[text]) || text;
  };
}

// Every list remembers its filters in this browser, until they are cleared or somebody logs in anew.
{
  const key = `mr-list:${location.pathname}`;
  const asked = new URLSearchParams(location.search);
  const keep = (act) => {
    try {
      return act(window.localStorage);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  if (/\/admin\/login\/$/.test(location.pathname)) {
    keep((store) => Object.keys(store).filter((name) => name.startsWith("mr-list:")).forEach((name) => store.removeItem(name)));
  } else if (/\/admin\/[a-z_]+\/[a-z_]+\/$/.test(location.pathname) && !asked.has("_popup")) {
    for (const name of ["p", "e", "_changelist_filters"]) asked.delete(name);
    if (String(asked)) keep((store) => store.setItem(key, String(asked)));
    else if (!location.search) {
      const last = keep((store) => store.getItem(key));
      if (last) location.replace(`${location.pathname}?${last}`);
    }
    document.addEventListener("click", (event) => {
      const link = event.target.closest && event.target.closest("a[href]");
      if (!link || !["?", location.pathname].includes(link.getAttribute("href"))) return;
      if (link.getAttribute("href") !== "?" && !link.closest("#content")) return;
      keep((store) => store.removeItem(key));
      if (link.getAttribute("href") === "?") {
        event.preventDefault();
        location.assign(location.pathname);
      }
    });
  }
}

// A secret that is shown once is chosen as a whole when one goes to it.
document.addEventListener("focusin", (event) => {
  if (event.target.matches && event.target.matches("input[data-select]")) event.target.select();
});

// The theme's choosers (select2) take their names from the labels of the fields that they stand for.
{
  const name = () => {
    for (const shown of document.querySelectorAll(".select2-container")) {
      const field = shown.previousElementSibling;
      const label = field && field.labels && field.labels[0] && field.labels[0].textContent.trim();
      const told = label || (field && field.getAttribute("aria-label")) || document.title;
      for (const part of shown.querySelectorAll(".select2-selection, .select2-selection__rendered, .select2-search__field")) {
        if (!part.getAttribute("aria-label")) part.setAttribute("aria-label", told);
        part.removeAttribute("aria-labelledby");
      }
    }
  };
  window.addEventListener("load", () => {
    name();
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  });
}

// What the theme opens by mouse alone, the sidebar, the log-out and the tabs of a form among it, opens by keyboard as well.
window.addEventListener("load", () => {
  const names = { "#header-inner [x-on\\:click*='sidebar']": "Menu", "[x-on\\:click*='openUserLinks']": "Your account" };
  for (const opener of document.querySelectorAll("[x-on\\:click]")) {
    if (opener.tabIndex >= 0 || !opener.textContent.trim() || opener.querySelector("a[href], button, input")) continue;
    const named = Object.keys(names).find((which) => opener.matches(which));
    Object.assign(opener, { role: "button", tabIndex: 0 });
    if (named) opener.ariaLabel = window.mrSay(names[named]);
    opener.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      opener.click();
    });
  }
  // The theme writes each word of a phone's column names large, which German does not.
  for (const cell of document.querySelectorAll("#result_list [data-label]")) {
    cell.dataset.label = cell.dataset.label.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
  }
});
