"""The list of chats: what it is filtered by, over the API and in the admin."""
