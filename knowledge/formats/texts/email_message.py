"""E-mail: who wrote when to whom about what, the text, the names of attachments, and messages that were passed on."""

from __future__ import annotations

import codecs
import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime
from typing import Any, Final

from knowledge.formats.encodings import decode_bytes, detect_encoding, find_codec
from knowledge.formats.pages.webpage import parse_html
from knowledge.formats.restrictions import UNREADABLE, find_restriction
from knowledge.formats.sections import ParseError, SectionWriter, clean_line

_HEADERS: Final = ("From", "To", "Cc", "Date", "Subject")
_DEEPEST: Final = 5
_MOST_PARTS: Final = 1000
_LONGEST_HEADER: Final = 5000
_LOOKS_LIKE_MAIL: Final = re.compile(
    rb"\A(?:\s*From [^\r\n]*\r?\n)?\s*[A-Za-z][A-Za-z0-9-]*:[ \t]*[^\r\n]*\r?\n", re.MULTILINE
)

_LETTER: Final = re.compile(rb"^From \S[^\r\n]{0,200}\d{4}[^\r\n]{0,20}\r?$", re.MULTILINE)
_QUOTED_FROM: Final = re.compile(rb"^>(>*From )", re.MULTILINE)


def parse_email(data: bytes, writer: SectionWriter) -> dict[str, object]:
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        return {}
    reader = _Reader(writer)
    message = _read_message(data, reader, 0)
    metadata: dict[str, object] = reader.restriction
    for key, name in (("title", "Subject"), ("author", "From")):
        if clean := _header(message, name)[:500]:
            metadata[key] = clean
    if day := _day_of(message):
        metadata["date"] = day
    return metadata


def parse_mailbox(data: bytes, writer: SectionWriter) -> dict[str, object]:
    """Letters one after the other, each below its subject."""
    starts = [found.start() for found in _LETTER.finditer(data)]
    if not starts:
        if data.strip():
            raise ParseError("This mailbox is broken: no letter begins in it.")
        return {}
    reader = _Reader(writer)
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True), 1):
        letter = data[start:end].partition(b"\n")[2]
        writer.end_headings()
        writer.move_to(f"message {number}")
        reader.parts = 0
        if letter.strip():
            _read_message(_QUOTED_FROM.sub(rb"\1", letter), reader, 1)
    return {"messages": len(starts), **reader.restriction}


def _read_message(data: bytes, reader: _Reader, depth: int) -> EmailMessage:
    if not _LOOKS_LIKE_MAIL.match(data):
        raise ParseError("This e-mail is broken: it does not begin with its headers.")
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(message, EmailMessage)  # noqa: S101
        reader.read(message, depth)
    except (RecursionError, LookupError, ValueError, AttributeError, TypeError) as error:
        if isinstance(error, ParseError):
            raise
        raise ParseError("This e-mail is broken and cannot be read.") from None
    return message


class _Reader:
    def __init__(self, writer: SectionWriter) -> None:
        self.writer = writer
        self.parts = 0
        self.is_restricted = False

    @property
    def restriction(self) -> dict[str, object]:
        """What a page within a letter restricts, the letter must not tell."""
        return {"visibility": UNREADABLE} if self.is_restricted else {}

    def read(self, message: EmailMessage, depth: int) -> None:
        if depth:
            self.writer.open_heading(depth, _header(message, "Subject") or "Message passed on")
        heads = [(name, _header(message, name)) for name in _HEADERS]
        self.writer.add_paragraph("\n".join(f"{name}: {value}" for name, value in heads if value))
        body = message.get_body(preferencelist=("plain", "html"))
        if body is not None:
            self.write_body(body)
        attached, inner = [], []
        for part in self.walk(message):
            if part.get_content_type() == "message/rfc822":
                inner += [each for each in part.iter_parts() if isinstance(each, EmailMessage)][:1]
            elif part is not body and (name := part.get_filename()):
                attached.append(clean_line(str(name))[:200])
                self.keep(attached[-1], part)
            elif part is not body and self.goes_on(message, part):
                self.write_body(part)
        if attached:
            self.writer.add_paragraph("Attachments: " + ", ".join(dict.fromkeys(attached)))
        for each in inner if depth < _DEEPEST else ():
            self.read(each, depth + 1)

    def walk(self, message: MIMEPart) -> Iterator[MIMEPart]:
        """Its parts, without those of the messages that it passes on."""
        parts = list(message.iter_parts()) if message.is_multipart() else []
        for part in parts:
            self.parts += 1
            if self.parts > _MOST_PARTS:
                raise ParseError("This e-mail has too many parts.", code="too_large")
            yield part
            if part.get_content_maintype() == "multipart":
                yield from self.walk(part)

    def keep(self, name: str, part: MIMEPart) -> None:
        """An attachment, to be read as what it is."""
        data = part.get_payload(decode=True)
        if isinstance(data, bytes) and part.get_content_maintype() != "image":
            self.writer.attached.append((name, data))

    def goes_on(self, message: EmailMessage, part: MIMEPart) -> bool:
        """Whether the text goes on in a part, below a picture, say: not one that says the same in another form."""
        is_text = part.get_content_type() in ("text/plain", "text/html")
        is_mixed = message.get_content_subtype() in ("mixed", "digest")
        return is_mixed and is_text and not part.is_attachment() and part in message.get_payload()

    def write_body(self, body: Any) -> None:
        payload = body.get_payload(decode=True) or b""
        codec = find_codec(body.get_content_charset() or "utf-8")
        try:
            text = payload.decode(codec or "utf-8")
        except UnicodeError:
            text = decode_bytes(payload, detect_encoding(payload))
        if body.get_content_type() == "text/html":
            said = parse_html(text.encode("utf-16", "replace"), self.writer)
            self.is_restricted |= find_restriction(said) is not None
        else:
            self.writer.add_paragraph(_unquote(text))


def _unquote(text: str) -> str:
    """The text; what it quotes stays, without the marks at the margin."""
    return "\n".join(
        re.sub(r"^(?:> ?){1,20}", "", line) for line in text.replace("\r\n", "\n").split("\n")
    )


def _header(message: EmailMessage, name: str) -> str:
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), None)
    if raw is None:
        return ""
    octets = raw[:_LONGEST_HEADER].encode("utf-8", "surrogateescape")
    raw = octets.decode("utf-8", "replace")
    try:
        if not octets.isascii():
            raw = decode_bytes(octets, detect_encoding(octets))
        told = str(message.policy.header_fetch_parse(name, raw))
    except (
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        IndexError,
        RecursionError,
        ParseError,
    ):
        told = raw  # the library fails at some that are broken
    return clean_line(told)[:2000]


def _day_of(message: EmailMessage) -> str:
    try:
        return parsedate_to_datetime(_header(message, "Date")).date().isoformat()
    except (ValueError, TypeError, OverflowError, IndexError):
        return ""
