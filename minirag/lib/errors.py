"""Errors that carry the decision: an HTTP status, a stable code, and whether trying again can help.

Core modules raise these; the edges (REST exception handler, SSE, WebSocket, commands, tasks) translate them.
`detail` is always safe to show to a visitor: no secret, no provider text, no stack.
"""

from __future__ import annotations


def _(sentence: str) -> str:
    """Mark a sentence for the catalogues."""
    return sentence


def _say(sentence: str) -> str:
    """Say it in the reader's language. The child that reads files raises none of these, and has no Django."""
    from django.utils.translation import gettext

    return gettext(sentence)


class ProductError(Exception):
    """Base of every error that MiniRAG raises on purpose."""

    status = 500
    code = "internal"
    retryable = False
    retry_after_seconds: int | None = None  # when to come back, where that is known

    def __init__(
        self, detail: str, *, code: str | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable


class BadInput(ProductError):
    """The request is well-formed but cannot be accepted; `detail` is one sentence (wire: 422 string detail)."""

    status, code = 422, "bad_input"


class NotAuthenticated(ProductError):
    """No credential, or one that is wrong, expired or revoked."""

    status, code = 401, "not_authenticated"


class Forbidden(ProductError):
    """The credential is good and does not carry this right."""

    status, code = 403, "forbidden"


class NotFound(ProductError):
    """No such thing in this tenant (also when it exists in another one)."""

    status, code = 404, "not_found"


class Conflict(ProductError):
    """The state of the thing does not allow it now."""

    status, code = 409, "conflict"


class Gone(ProductError):
    """It was there, and is not kept any longer."""

    status, code = 410, "gone"


class TooManyRequests(ProductError):
    """A limit was reached; `retry_after_seconds` says when to come back, `limit` how much may be had per window."""

    status, code, retryable = 429, "rate_limited", True

    def __init__(
        self,
        detail: str,
        *,
        retry_after_seconds: int = 1,
        code: str | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(detail, code=code)
        self.retry_after_seconds = max(1, retry_after_seconds)
        self.limit = limit


class DatabaseUnavailable(ProductError):
    """PostgreSQL is away, starting, recovering, or has no room for us. Nothing is lost; soon it is back."""

    status, code, retryable = 503, "database_unavailable", True
    retry_after_seconds = 2

    def __init__(self) -> None:
        super().__init__(_say(_("The service is not available at the moment.")))


class ProviderError(ProductError):
    """A model provider failed. `category` is one of the keys of `STATUS_OF`; the provider's own text is not kept."""

    STATUS_OF = {
        "authentication": (502, False, _("The model provider rejected its credentials.")),
        "rate_limit": (
            429,
            True,
            _("The model provider's rate limit was reached. Please try again shortly."),
        ),
        "timeout": (504, True, _("The model provider did not answer in time.")),
        "unavailable": (503, True, _("The model provider is not available at the moment.")),
        "bad_request": (502, False, _("The model provider did not accept the request.")),
        "malformed": (502, True, _("The model provider sent an answer that could not be read.")),
        "interrupted": (502, True, _("The model provider cut the answer off.")),
        "empty": (502, True, _("The model gave no answer.")),
        "content_filter": (
            502,
            False,
            _("The model provider's content filter refused this question."),
        ),
        "context_length": (502, False, _("The conversation is too long for this model.")),
        "quota": (503, False, _("The account at the model provider has no credit left.")),
        "not_configured": (503, False, _("This model is not configured on the server.")),
    }

    def __init__(self, category: str, *, provider: str = "") -> None:
        status, retryable, detail = self.STATUS_OF[category]
        super().__init__(_say(detail), code=f"provider_{category}", retryable=retryable)
        self.status = status
        self.category = category
        self.provider = provider

    @property
    def is_cut_off(self) -> bool:
        """Whether the provider had the request in hand, and so bills what it read."""
        return self.category in ("timeout", "interrupted")
