"""Reading an answer's body with a cap on its decoded size, so that a compressed bomb ends early."""

from __future__ import annotations

import time
import zlib
from email.message import Message
from email.utils import parsedate_to_datetime

from minirag.lib.http_out.addresses import OutboundError

ACCEPT_ENCODING = "gzip, deflate"
# A compressed body that never yields output must end too: no honest one is this much longer than its content.
_WIRE_SLACK_BYTES = 64 * 1024


class BodyReader:
    """Collects a body piece by piece. `feed` raises OutboundError as soon as the decoded size passes
    `max_bytes`; with `takes_first` it keeps what fits, and is full.
    """

    def __init__(
        self, content_encoding: str, content_length: str | None, max_bytes: int, *, takes_first: bool = False
    ) -> None:  # fmt: skip
        self._takes_first = takes_first
        self.is_full = False
        self._decode = decoder_for(content_encoding.strip().lower())
        self._max_bytes = max_bytes
        self._wire_bytes = 0
        self._body = bytearray()
        told = int(content_length) if content_length and content_length.isdecimal() else 0
        if told > max_bytes and not takes_first:
            raise self._too_large()

    def feed(self, piece: bytes) -> None:
        self._wire_bytes += len(piece)
        if self._wire_bytes > self._max_bytes + _WIRE_SLACK_BYTES:
            self._stop()
        room = self._max_bytes - len(self._body) + 1
        self._body += piece if self._decode is None else self._decode.decode(piece, room)
        if len(self._body) > self._max_bytes:
            self._stop()
            del self._body[self._max_bytes :]

    @property
    def body(self) -> bytes:
        """The whole body. Raises OutboundError when a compressed one ended in the middle."""
        is_cut = self._decode is not None and not self._decode.finished
        if is_cut and self._wire_bytes and not self.is_full:
            raise _broken()
        return bytes(self._body)

    def _stop(self) -> None:
        if not self._takes_first:
            raise self._too_large()
        self.is_full = True

    def _too_large(self) -> OutboundError:
        size = (
            f"{self._max_bytes / 2**20:g} MB"
            if self._max_bytes >= 2**20
            else f"{self._max_bytes / 2**10:g} KB"
        )
        return OutboundError(
            "too_large", f"The answer is larger than {size}.", False, received=self._wire_bytes
        )


def parse_content_type(value: str) -> tuple[str, str | None]:
    """("text/html", "utf-8") of a Content-Type header; ("", None) when there is none."""
    message = Message()
    message["content-type"] = value
    charset = message.get_param("charset")
    return value.split(";")[0].strip().lower(), charset.strip().lower() if isinstance(
        charset, str
    ) else None


def read_retry_after(value: str) -> float | None:
    """In how many seconds a `Retry-After` says to come back; None where it says nothing that is understood."""
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


class Inflater:
    """gzip (several members, as servers may send) and deflate (with and without the zlib wrapper)."""

    def __init__(self, encoding: str) -> None:
        self._window = 31 if encoding in ("gzip", "x-gzip") else 15
        self._stream = zlib.decompressobj(self._window)
        self._started = False

    @property
    def finished(self) -> bool:
        return self._stream.eof

    def decode(self, piece: bytes, room: int) -> bytes:
        """At most `room` bytes; the caller takes a full room for too much and stops."""
        output = bytearray()
        while piece and len(output) < room:
            if self._stream.eof:
                if self._window != 31 or not piece.startswith(b"\x1f\x8b"):
                    break  # trailing bytes after the last member
                self._stream = zlib.decompressobj(self._window)
            output += self._inflate(piece, room - len(output))
            piece = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return bytes(output)

    def _inflate(self, piece: bytes, room: int) -> bytes:
        try:
            result = self._stream.decompress(piece, room)
        except zlib.error as error:
            if self._started or self._window != 15:
                raise _broken() from error
            self._window = -15
            self._stream = zlib.decompressobj(self._window)
            return self._inflate(piece, room)
        self._started = True
        return result


def decoder_for(encoding: str) -> Inflater | None:
    """The decoder of a Content-Encoding, None where there is nothing to decode. Raises OutboundError for others."""
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return Inflater(encoding)
    raise OutboundError(
        "bad_response", "The server used a compression that was not asked for.", False
    )


def _broken() -> OutboundError:
    return OutboundError(
        "bad_response", "The server's answer is damaged: it could not be decompressed.", True
    )
