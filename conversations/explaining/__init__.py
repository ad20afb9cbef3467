"""Why a bot answers as it does: one question tried, a passage looked for, two configurations side by side."""
