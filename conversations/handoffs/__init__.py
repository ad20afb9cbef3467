"""Chats that ask for a person, and people who answer in them."""
