"""Notes and tags on chats, by people of the tenant and for them alone."""
