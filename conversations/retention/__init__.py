"""How long chats are kept, and what is done then."""
