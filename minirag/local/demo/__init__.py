"""The demo: two tenants of different trades with documents written for them, and questions with known answers."""
