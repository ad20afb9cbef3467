"""What a library's error hangs on: the errors that it was made of, and the headers of the provider's answer."""

from __future__ import annotations

from collections.abc import Iterator


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error itself, then what it was raised for, as far down as is of use."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def find_header(error: BaseException, name: str) -> str | None:
    """A header of the provider's answer: of some providers LiteLLM's own errors carry none, and their causes do."""
    for each in causes_of(error):
        for holder in (each, getattr(each, "response", None)):
            headers = getattr(holder, "headers", None)
            if headers and headers.get(name):
                return str(headers[name])
    return None
