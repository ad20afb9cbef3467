"""Chats that are to be gone: one, or all of a visitor."""
