// Files are dropped on the page that adds knowledge: each is sent by itself, says how far it is, and is taken or refused
// by itself. Without this script the form's own field sends them with the form.
(() => {
  const zone = document.querySelector("[data-drop]");
  const field = document.querySelector('#source_form input[type="file"][name="file"]');
  if (!zone || !field) return;
  const form = field.form;
  const list = zone.querySelector("[data-list]");
  const sum = zone.querySelector("[data-sum]");
  const start = zone.querySelector("[data-start]");
  const acts = zone.querySelector("[data-acts]");
  const folder = zone.querySelector("[data-folder]");
  const MOST = 1000;
  const AT_ONCE = 2;
  const entries = [];
  let running = 0;

  // The zone takes the place of the field, which stays for forms that are sent without it.
  const shown = field.closest("label").parentElement;
  const row = shown.parentElement.parentElement;
  shown.style.display = "none";
  row.append(zone);
  zone.hidden = false;

  const open = (state) => entries.filter((entry) => entry.state === state);
  const tellSum = () => {
    const taken = open("taken").length;
    const refused = open("refused").length;
    const done = taken + refused;
    sum.textContent = done ? `${done} / ${entries.length}: ${taken} ${zone.dataset.taken}, ${refused} ${zone.dataset.refused}` : "";
    const waits = open("waiting").length;
    const failed = open("failed").length;
    start.textContent = waits ? `${zone.dataset.add} (${waits})` : zone.dataset.again;
    start.hidden = running > 0 || !(waits + failed);
    zone.querySelector("[data-tree]").hidden = !taken;
    acts.hidden = start.hidden && !taken;
  };
  const show = (entry, state, told, url) => {
    entry.state = state;
    entry.row.dataset.state = state;
    entry.told.textContent = told;
    entry.bar.hidden = state !== "sending";
    entry.leave.hidden = state !== "waiting" && state !== "failed";
    if (url) {
      const link = document.createElement("a");
      link.href = url;
      link.className = "mr-path";
      link.textContent = entry.name.textContent;
      entry.name.replaceChildren(link);
    }
    tellSum();
  };
  const add = (file, path) => {
    if (entries.length >= MOST) { sum.textContent = zone.dataset.most; return; }
    const entry = { file, path };
    const part = (name) => { const each = document.createElement(name); each.dir = "auto"; return each; };
    entry.row = part("li");
    entry.name = part("span");
    entry.name.className = "mr-drop-name";
    entry.name.textContent = path || file.name;
    entry.bar = document.createElement("progress");
    entry.bar.max = 1;
    entry.bar.setAttribute("aria-label", path || file.name);
    entry.told = part("span");
    entry.told.className = "mr-drop-told";
    entry.leave = document.createElement("button");
    entry.leave.type = "button";
    entry.leave.className = "mr-button";
    entry.leave.textContent = zone.dataset.remove;
    entry.leave.addEventListener("click", () => {
      entries.splice(entries.indexOf(entry), 1);
      entry.row.remove();
      tellSum();
    });
    entry.row.append(entry.name, entry.bar, entry.told, entry.leave);
    list.append(entry.row);
    entries.push(entry);
    show(entry, "waiting", zone.dataset.waits);
  };

  const send = (entry) => new Promise((done) => {
    const body = new FormData(form);
    body.delete("file");
    body.delete("name");
    if (entries.length === 1 && form.elements.name) body.set("name", form.elements.name.value);
    body.set("file", entry.file, entry.file.name);
    body.set("path", entry.path);
    const request = new XMLHttpRequest();
    request.open("POST", zone.dataset.url);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      entry.bar.value = event.loaded / event.total;
      if (event.loaded === event.total) entry.told.textContent = zone.dataset.reads;
    });
    request.addEventListener("loadend", () => {
      const said = request.response;
      if (request.status === 200 && said && said.told) show(entry, said.is_refused ? "refused" : "taken", said.told, said.url);
      else show(entry, "failed", (said && said.detail) || zone.dataset.failed);
      done();
    });
    show(entry, "sending", zone.dataset.sends);
    request.send(body);
  });
  const work = async () => {
    running += 1;
    for (let entry = open("waiting")[0]; entry; entry = open("waiting")[0]) await send(entry);
    running -= 1;
    tellSum();
  };
  const begin = () => {
    for (const entry of open("failed")) entry.state = "waiting";
    for (let each = running; each < AT_ONCE; each += 1) work();
    tellSum();
  };

  const choose = (type) => {
    const radio = form.querySelector(`input[name="source_type"][value="${type}"]`);
    if (radio && !radio.checked) radio.click();
  };
  // A folder is read entry by entry; `readEntries` gives a hundred at a time.
  const walk = async (entry, path) => {
    if (entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      add(file, path ? `${path}/${entry.name}` : "");
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length || entries.length >= MOST) return;
      for (const each of some) await walk(each, path ? `${path}/${entry.name}` : entry.name);
    }
  };
  document.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    zone.classList.add("mr-drop-over");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) zone.classList.remove("mr-drop-over"); });
  document.addEventListener("drop", async (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    zone.classList.remove("mr-drop-over");
    choose("upload");
    const dropped = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
    const files = [...event.dataTransfer.files];
    if (dropped.every(Boolean)) for (const entry of dropped) await walk(entry, "");
    else for (const file of files) add(file, "");
  });

  zone.querySelector("[data-choose]").addEventListener("click", () => field.click());
  zone.querySelector("[data-choose-folder]").addEventListener("click", () => folder.click());
  field.addEventListener("change", () => {
    for (const file of field.files) add(file, "");
    field.value = "";
  });
  folder.addEventListener("change", () => {
    for (const file of folder.files) {
      if (!file.webkitRelativePath.split("/").some((part) => part.startsWith("."))) add(file, file.webkitRelativePath);
    }
    folder.value = "";
  });
  start.addEventListener("click", begin);
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.formAction.includes("/preview/")) return;
    const type = form.querySelector('input[name="source_type"]:checked');
    if (!type || type.value !== "upload" || !entries.length) return;
    event.preventDefault();
    begin();
  });
  tellSum();
})();
