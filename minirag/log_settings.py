"""The setting LOGGING: apart, since what renders a line needs Django's settings to be there."""

from __future__ import annotations

from typing import Any


def make_logging(style: str, level: str) -> dict[str, Any]:
    """Return it for `LOG_FORMAT` and `LOG_LEVEL`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": {"()": "minirag.logs.make_formatter", "style": style}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "daphne": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},  # it would tell what it signs
            "s3transfer": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},  # a collector that is away would be told of at each try
            "LiteLLM": {"level": "WARNING"},
            "django.channels.server": {"level": "WARNING"},
            # A client's bad Host is its own fault: the line of its request says 400, and a traceback nothing more.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
