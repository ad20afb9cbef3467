"""Changes of how a bot answers that wait for its gate."""
