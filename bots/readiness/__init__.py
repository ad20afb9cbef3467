"""Whether a bot can be asked, and what is missing."""
