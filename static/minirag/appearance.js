// How a bot's widget looks: the form's values go to the widget beside it as they are typed, and colours are judged.
(() => {
  const form = document.querySelector("[data-appearance]");
  if (!form) return;
  const frame = document.querySelector("[data-widget-frame]");
  const LIGHT = "#ffffff", INK = "#10131a", DARK_WINDOW = "#15181f", LEAST = 4.5;
  const field = (name) => form.elements[name];
  const isColour = (text) => /^#[0-9a-f]{6}$/i.test(text);
  const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

  function luminance(colour) {
    const [red, green, blue] = channels(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(one, other) {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return Math.round(((light + 0.05) / (dark + 0.05)) * 100) / 100;
  }

  function nearest(colour, ground) {
    const aim = luminance(ground) > 0.5 ? 0 : 255;
    for (let percent = 0; percent <= 100; percent += 1) {
      const mixed = `#${channels(colour)
        .map((value) => Math.round(value + ((aim - value) * percent) / 100).toString(16).padStart(2, "0"))
        .join("")}`;
      if (contrast(mixed, ground) >= LEAST) return mixed;
    }
    return aim ? LIGHT : "#000000";
  }

  function judge(input, said) {
    const colour = input.value.trim().toLowerCase();
    said.replaceChildren();
    if (!isColour(colour)) return;
    const ratio = Math.max(contrast(colour, LIGHT), contrast(colour, INK));
    const isGood = ratio >= LEAST;
    said.append((isGood ? form.dataset.readable : form.dataset.unreadable).replace("{ratio}", ratio));
    said.classList.toggle("mr-bad", !isGood);
    if (isGood) return;
    const found = [LIGHT, INK].map((ink) => nearest(colour, ink));
    found.sort((a, b) => Math.abs(contrast(a, colour)) - Math.abs(contrast(b, colour)));
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "mr-button", textContent: form.dataset.take.replace("{colour}", found[0]) });
    button.addEventListener("click", () => {
      input.value = found[0];
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    said.append(" ", button);
  }

  function readLook() {
    const text = (name) => field(name).value.trim();
    const look = { title: text("title"), theme: text("theme"), position: text("position"), size: text("size") };
    const [color, dark] = ["color", "dark_color"].map((name) => (isColour(text(name)) ? text(name) : ""));
    if (text("radius")) look.radius = Math.min(24, Math.max(0, Math.round(Number(text("radius")))));
    look.launcher = text("launcher");
    look.launcher_label = text("launcher_label");
    if (field("shows_logo").checked) look.logo_url = frame.dataset.logo;
    const name = frame.dataset.name;
    const questions = text("starter_questions").split("\n").map((line) => line.trim()).filter(Boolean);
    return {
      look: { ...look, color, dark_color: dark || (color && nearest(color, DARK_WINDOW)) },
      bot: { name, greeting: text("greeting"), starter_questions: questions },
    };
  }

  const show = () => frame.contentWindow.postMessage(readLook(), location.origin);

  for (const input of form.querySelectorAll("[data-colour]")) {
    const said = document.createElement("p");
    const picker = document.createElement("input");
    said.className = "mr-contrast";
    said.setAttribute("role", "status");
    Object.assign(picker, { type: "color", className: "mr-picker", ariaLabel: form.dataset.pick });
    picker.addEventListener("input", () => {
      input.value = picker.value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const look = () => {
      picker.value = isColour(input.value.trim()) ? input.value.trim().toLowerCase() : "#3f51d8";
      judge(input, said);
    };
    input.addEventListener("input", look);
    input.after(picker, said);
    look();
  }
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  window.addEventListener("message", (event) => {
    if (event.origin === location.origin && event.source === frame.contentWindow && event.data === "ready") show();
  });
  if (frame.contentDocument && frame.contentDocument.readyState === "complete") show();
})();
