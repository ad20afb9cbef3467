  return { renderMarkdown, drawMarkdown };
});
