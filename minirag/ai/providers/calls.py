"""What every way of calling a provider shares: the shape of a streamed answer, the categories of failures, retries."""

from __future__ import annotations

import logging
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, Protocol

from django.conf import settings

from minirag.ai.providers.complaints import Complaint
from minirag.ai.providers.dialects import Dialect
from minirag.ai.tooling import ToolCallPiece, Tooling
from minirag.lib.errors import ProviderError
from minirag.lib.http_out.addresses import OutboundError

# Retrying a timeout on the same model would double a wait that was already too long.
RETRIED = frozenset({"rate_limit", "unavailable", "malformed"})
# Nothing passes by itself here: somebody has to pay a bill, or enter another key.
OPERATORS = frozenset({"quota", "authentication"})
CONNECT_SECONDS = 10.0
FIRST_DELAY_SECONDS = 0.25
_LONGEST_WAIT_SECONDS = 86_400.0
LONGEST_DELAY_SECONDS = 8.0
# Sent to a tenant's own address in place of a key: without one LiteLLM would send the platform's.
NO_KEY = "no-key"

logger = logging.getLogger(__name__)


class Piece(NamedTuple):
    """One chunk of an answer: what is said in it, and what is thought where the provider keeps that apart.

    `usage` holds prompt_tokens and completion_tokens as the provider counts them.
    """

    content: str
    finish_reason: str | None
    usage: dict[str, Any] | None
    thought: str = ""
    tool_calls: tuple[ToolCallPiece, ...] = ()


@dataclass(frozen=True)
class ChatCall:
    """One attempt at one model, asked in its dialect."""

    model: str
    messages: tuple[dict[str, Any], ...]
    temperature: float | None
    max_tokens: int
    first_token_seconds: float
    dialect: Dialect = field(default_factory=Dialect)
    tooling: Tooling | None = None

    def write(self) -> dict[str, Any]:
        """The parameters as the model takes them, without its name."""
        written = self.dialect.write(
            self.messages, temperature=self.temperature, max_tokens=self.max_tokens
        )
        return written | self.tooling.write() if self.tooling else written

    @property
    def connect_seconds(self) -> float:
        return min(CONNECT_SECONDS, self.first_token_seconds)


class ChatAnswer(Protocol):
    """A streamed answer: `open`, then `read` until it gives nothing, `close` in any case. The caller sets deadlines.

    `open` and `read` may raise anything; `translate` makes our error of it. `was_cut_off`, asked at the end, says
    that the provider never said it was done. Where they `may_wait`, since somebody reads already, words come by frames.
    """

    provider: str

    @property
    def was_cut_off(self) -> bool: ...
    async def open(self) -> None: ...
    async def read(self, *, may_wait: bool = False) -> list[Piece]: ...
    async def close(self) -> None: ...
    def translate(self, error: BaseException) -> ProviderError: ...


class ModelCallFailed(ProviderError):
    """A ProviderError that remembers what the provider complained of, and how long it asked us to stay away."""

    def __init__(
        self, complaint: Complaint, *, provider: str, retry_after_seconds: float = 0.0
    ) -> None:
        super().__init__(complaint.category, provider=provider)
        self.complaint = complaint
        self.wait_seconds = retry_after_seconds
        self.retry_after_seconds = math.ceil(retry_after_seconds) or None


def report_failure(category: str, *, provider: str, kind: str) -> ModelCallFailed:
    """Logs what failed, without the provider's words, and gives the error to raise."""
    return report_complaint(Complaint(category), provider=provider, kind=kind)


def report_complaint(
    complaint: Complaint,
    *,
    provider: str,
    kind: str,
    status: Any = None,
    retry_after_seconds: float = 0.0,
) -> ModelCallFailed:
    """The same for what a provider complains of. What only the operator can mend is an error in the log."""
    about = f", about {complaint.parameter}" if complaint.parameter else ""
    level = logging.ERROR if complaint.category in OPERATORS else logging.WARNING
    logger.log(
        level,
        "%s call failed: %s%s (%s, status %s)",
        provider,
        complaint.category,
        about,
        kind,
        status,
    )
    return ModelCallFailed(complaint, provider=provider, retry_after_seconds=retry_after_seconds)


def category_of_outbound(error: OutboundError) -> str:
    """An address that may not be reached is the bot's setting to mend; anything else may pass."""
    if error.code in ("dns_failed", "connect_failed"):
        return "unavailable"
    return "timeout" if error.code == "timeout" else "not_configured"


def choose_delay(attempt: int, failure: ProviderError) -> float | None:
    """Seconds to wait before trying the same model again, None when that is pointless.

    `attempt` counts from 0. Exponential with jitter, so that many clients do not return at once; a provider's
    Retry-After is honoured up to 8 s.
    """
    asked = getattr(failure, "wait_seconds", 0.0)
    if (
        failure.category not in RETRIED
        or attempt >= settings.MODEL_MAX_RETRIES
        or asked > LONGEST_DELAY_SECONDS
    ):
        return None
    backoff = FIRST_DELAY_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing
    return min(LONGEST_DELAY_SECONDS, max(backoff, asked))


def parse_retry_after(value: str | None) -> float:
    """Seconds the provider asked us to wait, by number or by date, 0 when it named none, a day at most."""
    try:
        seconds = float(value or 0)
    except ValueError:
        seconds = _seconds_until(str(value))
    return min(max(0.0, seconds), _LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else 0.0


def _seconds_until(date: str) -> float:
    try:
        return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def read_count(value: Any) -> int:
    """A token count from a provider, 0 for what cannot be one."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return value if is_count else 0
