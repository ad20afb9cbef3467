"""What a process loads and when, and what it tells of itself while it starts and ends."""
