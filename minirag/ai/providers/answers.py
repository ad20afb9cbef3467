"""Reads the body of an answer from its bytes, in whatever form a server sends it. Pure.

That is an event stream, lines of JSON, or one whole object; plain or gzipped.
"""

from __future__ import annotations

import json
from typing import Any

from minirag.ai.providers import calls
from minirag.ai.providers.calls import Piece
from minirag.ai.providers.chunks import Malformed, read_failure, read_object
from minirag.lib.errors import ProviderError
from minirag.lib.http_out.addresses import OutboundError
from minirag.lib.http_out.body import Inflater, decoder_for

# Far more than any honest answer, so that a hostile server cannot fill the memory.
MAX_BYTES = 16 * 2**20
MAX_LINE_BYTES = 2**20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BRACES = (b"{", b"[")
_DONE = (b"[DONE]", b'"[DONE]"', b"DONE")


class AnswerReader:
    """`feed` the bytes as they come, then `finish`; both return the pieces that are complete.

    `is_done`: the provider said that nothing follows. `was_cut_off`: it never said why the answer ended. An error in
    the answer is raised after the pieces that came before it, by the next call. Raises ProviderError, or ValueError
    for an answer beyond all measure.
    """

    def __init__(self, provider: str, *, content_encoding: str = "") -> None:
        self.provider = provider
        self.is_done = self._has_reason = self._has_events = False
        self._decoder = self._find_decoder(content_encoding)
        self._rest = b""
        self._total = 0
        self._is_first = True
        self._form: str = ""  # "events", "lines" or "whole", once that is known
        self._event: list[bytes] = []  # data that makes no sense yet: its event may have more lines
        self._event_name = b""
        self._failure: ProviderError | None = None

    def _find_decoder(self, encoding: str) -> Inflater | None:
        try:
            return decoder_for(encoding.strip().lower())
        except OutboundError:
            raise self._malformed() from None

    @property
    def was_cut_off(self) -> bool:
        return not (self.is_done or self._has_reason)

    def feed(self, data: bytes) -> list[Piece]:
        self._raise_failure()
        if self._decoder is not None:
            try:
                data = self._decoder.decode(data, MAX_BYTES)
            except OutboundError:
                raise self._malformed() from None
        self._total += len(data)
        if self._total > MAX_BYTES:
            raise ValueError("the answer is too long")
        if self._form == "whole":
            self._event.append(data)
            return []
        pieces = self._read_lines(self._cut_lines(data))
        if self._is_first and self._rest.lstrip()[:1] in _BRACES:
            self._become_whole([self._rest])
        return pieces

    def finish(self) -> list[Piece]:
        self._raise_failure()
        rest, self._rest = self._rest.rstrip(b"\r"), b""
        if self._form == "whole":
            pieces = self._read_whole()
        else:
            pieces = self._read_lines([rest, b""] if rest else [b""])
            if self._form == "whole":
                pieces = self._read_whole()
        self._raise_failure(but_first=pieces)
        if not self._has_events and not pieces:
            raise self._malformed()
        return pieces

    def _raise_failure(self, but_first: list[Piece] | None = None) -> None:
        if self._failure is not None and not but_first:
            failure, self._failure = self._failure, None
            raise failure

    def _cut_lines(self, data: bytes) -> list[bytes]:
        data = self._rest + data
        if b"\r" in data:
            # The last one may be half of a line's end.
            data, held = (data[:-1], b"\r") if data.endswith(b"\r") else (data, b"")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            held = b""
        lines = data.split(b"\n")
        self._rest = lines.pop() + held
        if len(self._rest) > MAX_LINE_BYTES:
            raise ValueError("a line of the stream is too long")
        return lines

    def _read_lines(self, lines: list[bytes]) -> list[Piece]:
        pieces: list[Piece] = []
        for position, line in enumerate(lines):
            if self._is_first and line.strip():
                line = self._begin(line.removeprefix(_BYTE_ORDER_MARK))
                if self._form == "whole":
                    self._become_whole([line, *lines[position + 1 :], self._rest])
                    return pieces
            try:
                piece = self._read_line(line)
            except ProviderError as error:
                self._failure = error
                break
            if piece is not None:
                self._has_events = True
                self._has_reason = self._has_reason or piece.finish_reason is not None
                pieces.append(piece)
            if self.is_done:
                break
        if not pieces:
            self._raise_failure()
        return pieces

    def _begin(self, line: bytes) -> bytes:
        """Tell the form by the first line that says anything."""
        self._is_first = False
        self._form = "events"
        if line.lstrip()[:1] in _BRACES:
            self._form = "whole" if _parse(line) is None else "lines"
        return line

    def _become_whole(self, lines: list[bytes]) -> None:
        self._is_first, self._form = False, "whole"
        self._event, self._rest = [b"\n".join(lines)], b""

    def _read_line(self, line: bytes) -> Piece | None:
        if not self._event and not self._event_name:
            if not line:
                return None
            # As nearly all lines: an object of one event.
            if self._form == "events" and line.startswith(b"data: {"):
                answer = _parse(line[6:])
                if answer is not None:
                    return self._read_json(answer)
        if self._form == "lines":
            return self._read_json(_parse(line.strip().rstrip(b","))) if line.strip() else None
        if not line:
            event, self._event, self._event_name = self._event, [], b""
            if event:
                raise self._malformed()
            return None
        if line.startswith(b"event:"):
            self._event_name = line[6:].strip()
        if not line.startswith(b"data:"):
            return None
        payload = line[5:].strip()
        if payload in _DONE:
            self.is_done = True
            return None
        return self._read_payload(payload) if payload else None

    def _read_payload(self, payload: bytes) -> Piece | None:
        """An event's data is whole once it can be read; until then its next line belongs to it."""
        if not self._event and not self._event_name and (answer := _parse(payload)) is not None:
            return self._read_json(answer)
        self._event.append(payload)
        answer = _parse(b"\n".join(self._event))
        if answer is None:
            if sum(map(len, self._event)) > MAX_LINE_BYTES or len(self._event) > 100:
                raise self._malformed()
            return None
        self._event = []
        if self._event_name == b"error":
            raise read_failure({"error": answer}, self.provider)
        return self._read_json(answer)

    def _read_whole(self) -> list[Piece]:
        text, self._event = b"".join(self._event).strip(), []
        answer = _parse(text)
        lines = [line for line in text.splitlines() if line.strip()]
        answers = [_parse(line) for line in lines] if answer is None else [answer]
        pieces = [self._read_json(each) for each in answers]
        self._has_events = self._has_reason = self.is_done = True
        return pieces

    def _read_json(self, answer: Any) -> Piece:
        try:
            return read_object(answer, self.provider)
        except (Malformed, AttributeError, TypeError, LookupError, RecursionError):
            raise self._malformed() from None

    def _malformed(self) -> ProviderError:
        return calls.report_failure("malformed", provider=self.provider, kind="unreadable")


def _parse(text: bytes) -> Any:
    """The value of a JSON text, None for what is not JSON; `null` says nothing and counts as that."""
    try:
        return json.loads(text.decode()) if text.isascii() else json.loads(text)
    except (ValueError, RecursionError):
        return None
