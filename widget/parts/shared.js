  const { renderMarkdown, drawMarkdown } = window.mrMarkdown(build); // of markdown.js, which the page has before

