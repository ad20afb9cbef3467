"""Texts that people answer with again and again in the inbox."""
