"""What a visitor of a widget has of their own conversations before this one."""
