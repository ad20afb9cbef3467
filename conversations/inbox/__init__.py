"""Where people answer: the inbox's pages and socket."""
