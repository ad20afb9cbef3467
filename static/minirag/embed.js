// The tag that puts a bot on a page, written from what is chosen, with a picture of how it will look.
(() => {
  const say = window.mrSay || ((text) => text);
  const section = document.querySelector("[data-embed]");
  if (!section) return;
  const chosen = (name) => section.querySelector(`[data-look="${name}"]`).value.trim();
  const code = section.querySelector("[data-embed-code]");
  const preview = section.querySelector("[data-look-preview]");
  const DEFAULT_COLOUR = "#3f51d8";
  const escape = (text) => text.replace(/&/g, "&amp;").replace(/"/g, "&quot;").replace(/</g, "&lt;");

  /** Black or white, whichever is read better on a colour. */
  function textOn(colour) {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const share = parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
  }

  function writeTag() {
    const { botId, script, api } = section.dataset;
    const isInline = chosen("placement") === "inline";
    const prefix = isInline ? "" : "data-";
    const attributes = [`${prefix}bot-id="${botId}"`];
    if (api) attributes.push(`${prefix}api-url="${escape(api)}"`);
    for (const name of ["theme", "lang", "title"]) {
      if (chosen(name)) attributes.push(`${prefix}${name}="${escape(chosen(name))}"`);
    }
    const tag = isInline
      ? `<script src="${script}" defer></script>\n<minirag-widget ${attributes.join(" ")} placement="inline"></minirag-widget>`
      : `<script src="${script}" ${attributes.join(" ")} defer></script>`;
    const rules = [];
    if (chosen("primary") !== DEFAULT_COLOUR) rules.push(`--primary: ${chosen("primary")}; --primary-hover: ${chosen("primary")};`);
    if (chosen("radius")) rules.push(`--radius: ${chosen("radius")};`);
    return rules.length ? `${tag}\n<style>minirag-widget { ${rules.join(" ")} }</style>` : tag;
  }

  const fieldOf = (name) => document.querySelector(`#botprofile_form [name="${name}"]`);

  function show() {
    code.textContent = writeTag();
    const theme = chosen("theme");
    const isDark = theme ? theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
    preview.classList.toggle("mr-look-dark", isDark);
    preview.dir = chosen("lang") === "ar" ? "rtl" : "ltr";
    preview.style.setProperty("--look", chosen("primary"));
    preview.style.setProperty("--look-text", textOn(chosen("primary")));
    preview.style.setProperty("--look-radius", chosen("radius") || "16px");
    const name = fieldOf("name");
    section.querySelector("[data-look-title]").textContent = chosen("title") || (name ? name.value : section.querySelector("[data-look=title]").placeholder);
    const greeting = fieldOf("greeting");
    if (greeting) section.querySelector("[data-look-greeting]").textContent = greeting.value || say("How can I help?");
    const starters = fieldOf("starter_questions");
    const lines = starters ? starters.value.split("\n").map((line) => line.trim()).filter(Boolean) : [];
    section.querySelector("[data-look-starters]").replaceChildren(
      ...lines.slice(0, 3).map((line) => {
        const shown = document.createElement("span");
        shown.textContent = line;
        return shown;
      }),
    );
  }

  section.addEventListener("input", show);
  const form = document.getElementById("botprofile_form");
  if (form) form.addEventListener("input", show);
  section.querySelector("[data-embed-copy]").addEventListener("click", async () => {
    const said = section.querySelector("[data-embed-copied]");
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = say("Copied");
    } catch {
      window.getSelection().selectAllChildren(code); // an insecure origin: one key is left to press
      said.textContent = say("Selected: press Ctrl+C");
    }
    window.setTimeout(() => (said.textContent = say("Copy")), 4000);
  });
  show();
})();
