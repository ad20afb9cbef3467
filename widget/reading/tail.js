  return { renderMarkdown, drawMarkdown };
  };
  const widget = customElements.get("minirag-widget");
  if (!widget) window.mrMarkdown = make; // the admin's pages
  else widget.take((own) => ((own.markdown = make(own.build)), class {}));
})();
