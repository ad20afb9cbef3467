"""Web pages and Markdown: the words that a reader sees, under their headings, without what only leads about."""
