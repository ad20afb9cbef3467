// The page in the frame: the widget wears what the form around it says.
(() => {
  const widget = document.querySelector("minirag-widget");
  window.addEventListener("message", (event) => {
    if (event.origin !== location.origin || event.source !== parent) return;
    widget.preview(event.data.look, event.data.bot);
    widget.open();
  });
  if (parent !== window) parent.postMessage("ready", location.origin);
})();
