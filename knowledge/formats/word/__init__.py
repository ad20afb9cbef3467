"""Word: paragraphs under their headings, with their numbers, equations and notes, all changes accepted."""
