"""Two texts side by side, as a person reads what became of one."""
