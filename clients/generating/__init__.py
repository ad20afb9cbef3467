"""Writes the clients' types and methods from the API's own description: `python -m clients.generating`."""
