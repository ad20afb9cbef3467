"""Golden questions: made by hand, by file, or from a chat."""
