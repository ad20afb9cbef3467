"""Structured logs: one JSON object or one readable line, with request id and tenant, and never a secret."""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog

from tenants.context import current_schema

_SECRETS = re.compile(
    r"(?i)(bearer\s+)[^\s\"']+|\b(sk-[A-Za-z0-9_-]{8,})|(://[^:/@\s]+:)[^@\s]+(?=@)"
)


def mask_secrets(text: str) -> str:
    """Replace bearer tokens, provider keys and passwords in URLs."""
    return _SECRETS.sub(lambda match: (match[1] or match[3] or "") + "***", text)


def _add_tenant(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    event.setdefault("schema", current_schema())
    return event


def _mask_event(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: mask_secrets(value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def make_formatter(style: str = "json") -> logging.Formatter:
    """Build the formatter that settings.LOGGING names; `style` is `json` or `console`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        _add_tenant,
        structlog.processors.format_exc_info,
        _mask_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = structlog.processors.JSONRenderer()
    if style == "console":
        # Plain: `rich` tracebacks would print local variables, and with them secrets.
        renderer = structlog.dev.ConsoleRenderer(
            exception_formatter=structlog.dev.plain_traceback, colors=False
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
