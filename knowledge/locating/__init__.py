"""Where a passage stands for a question, and why it was not found."""
