"""Django's own `migrate`, for the schema that is in force; `migrate` calls it for each."""

from django.core.management.commands.migrate import Command

__all__ = ["Command"]
