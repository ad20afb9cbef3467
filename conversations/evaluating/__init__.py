"""Knowing how good a bot is: golden questions, runs of them, and the gate before a changed configuration."""
