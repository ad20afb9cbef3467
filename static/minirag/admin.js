// The theme's htmx would put a style of its own into the page, which our Content-Security-Policy forbids and nothing needs.
htmx.config.includeIndicatorStyles = false;
