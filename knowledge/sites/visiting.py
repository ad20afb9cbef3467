"""A visit to one address of a site: fetched through the guarded transport, read in the child, judged. No rows here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from knowledge.formats.pages.absent import ABSENT, ONLY_SCRIPT, says_not_found
from knowledge.formats.parsing import ParsedDocument, ParseError
from knowledge.formats.registry import (
    FORMATS,
    PLAIN_TEXT,
    Format,
    format_of_answer,
    format_of_content,
    is_archive,
)
from knowledge.formats.restrictions import read_groups
from knowledge.indexing.loading import unify_encoding
from knowledge.models.sites import RESTRICTED, PageState
from knowledge.sites.bounds import Bounds
from knowledge.sites.pages.links import LARGEST_LIST, Listing, read_listing, unify
from knowledge.sites.pages.marks import Marks
from knowledge.sites.pages.reading import PageReader
from knowledge.sites.robots import Robots
from minirag.lib.http_out.client import Fetched, OutboundError, fetch

_GONE: Final = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.GONE))
SECONDS: Final = 30.0
FORBIDDEN: Final = "robots"
"""The code of what its site does not allow us to read."""


@dataclass(frozen=True)
class Known:
    """What is known of a page from the last look, for a conditional request."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Visit:
    """What came of it. `link` is where the page was found in the end, `document` is there where it was read now.

    `groups` are those that the page says it is for, whatever else becomes of it; None where it is for everybody.
    """

    state: PageState
    link: str
    code: str = ""
    reason: str = ""
    is_retryable: bool = False
    not_modified: bool = False
    document: ParsedDocument | None = None
    content_hash: str = ""
    links: tuple[str, ...] = ()
    listing: Listing | None = None
    canonical: str = ""
    groups: list[str] | None = None
    etag: str = ""
    last_modified: str = ""
    size: int = 0
    retry_after: float | None = None

    def ended(self, state: PageState, code: str, reason: str) -> Visit:
        return replace(self, state=state, code=code, reason=reason)


def forbid(url: str) -> Visit:
    """What is not looked at because its site does not want that."""
    return Visit(PageState.LEFT_OUT, url, FORBIDDEN, "Its robots.txt does not allow it.")


class Visitor:
    """Visits pages of one site, with what it allows and how far it goes. `seconds` bounds each fetch."""

    def __init__(
        self, bounds: Bounds, robots: Robots, reader: PageReader, *, seconds: float = SECONDS,
        largest_page: int | None = None, largest_list: int = LARGEST_LIST,
    ) -> None:  # fmt: skip
        self.bounds, self.robots, self.seconds, self._reader = bounds, robots, seconds, reader
        self._largest_page = largest_page or settings.MAX_UPLOAD_BYTES
        self._largest_list = largest_list

    def visit(
        self, url: str, known: Known | None = None, *, is_start: bool = False, is_list: bool = False
    ) -> Visit:
        """Look at an address. Where the start leads to is the site's own affair, and so is where its lists are."""
        if not self.robots.allows(url):
            return forbid(url)
        try:
            fetched = fetch(
                url, max_bytes=self._largest_list if is_start or is_list else self._largest_page,
                timeout_seconds=self.seconds,
                allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS),
                etag=known.etag if known else None, last_modified=known.last_modified if known else None,
                may_follow=self._follower(anywhere=is_start or is_list),
            )  # fmt: skip
            listing = read_listing(fetched.body) if is_start or is_list else None
        except OutboundError as error:
            return _visit_of_error(url, error)
        came = Visit(
            PageState.READ, unify(fetched.url) or url, size=len(fetched.body), listing=listing,
            not_modified=fetched.not_modified,
            etag=_fit(fetched.etag, 255), last_modified=_fit(fetched.last_modified, 64),
        )  # fmt: skip
        if came.not_modified or listing is not None:
            return came
        if is_list:
            return came.ended(
                PageState.FAILED, "unsupported", "It is neither a sitemap nor a feed."
            )
        return self._read(fetched, came)

    def _follower(self, *, anywhere: bool) -> Callable[[str], bool]:
        def may_follow(address: str) -> bool:
            url = unify(address)
            return anywhere or (not self.bounds.find_fault(url) and self.robots.allows(url))

        return may_follow

    def _read(self, fetched: Fetched, came: Visit) -> Visit:
        found = _find_format(fetched)
        if came.size > self._largest_page:
            return came.ended(PageState.FAILED, "too_large", "The page is too large.")
        if found is None:
            shown = fetched.content_type or "something of no known type"
            reason = f"It answered with {shown}, which cannot be read."
            return came.ended(PageState.LEFT_OUT, "unsupported", reason)
        try:
            page = self._reader.read(unify_encoding(fetched, found), kind=found.kind, url=came.link)
        except ParseError as error:
            return came.ended(state_of_unread(error.code), error.code, error.reason)
        came = replace(
            came, links=page.marks.links, canonical=page.marks.canonical,
            groups=read_groups(page.document.metadata),
        )  # fmt: skip
        return self._judge(came, page.document, page.marks)

    def _judge(self, came: Visit, document: ParsedDocument, marks: Marks) -> Visit:
        """Whether what was read is knowledge."""
        text = "\n".join(section.text for section in document.sections)
        state = PageState.LEFT_OUT
        if says_not_found(marks.names, text):
            state, code, reason = PageState.GONE, "soft_404", ABSENT
        elif not text.strip() and marks.has_script:
            code, reason = "only_script", ONLY_SCRIPT
        elif objection := find_objection(document, self.bounds.languages):
            code, reason = objection
        elif not marks.may_be_kept:
            code, reason = "noindex", "It asks not to be kept (noindex)."
        else:
            return replace(came, document=document, content_hash=hash_document(document))
        return came.ended(state, code, reason)


def find_objection(document: ParsedDocument, languages: frozenset[str]) -> tuple[str, str] | None:
    """The code and the sentence that say why what was read is no knowledge for this source; None where it is."""
    if not any(section.text.strip() for section in document.sections):
        code, reason = "no_text", "There is no text in it."
    elif languages and document.language and document.language not in languages:
        code, reason = "language", f"Its language is {document.language}."
    else:
        return None
    return code, reason


def state_of_unread(code: str) -> PageState:
    """What a page is that could not be parsed, by the code that says why."""
    is_left_out = code in ("no_text", "unsupported", RESTRICTED)
    return PageState.LEFT_OUT if is_left_out else PageState.FAILED


def hash_document(document: ParsedDocument) -> str:
    """64 characters that change when what a page says does, or whom it says it is for.

    What changes with every request on a page is no text.
    """
    digest = hashlib.sha256(document.title.encode("utf-8", "surrogatepass"))
    groups = read_groups(document.metadata)
    if groups is not None:
        digest.update(f"\0for {json.dumps(groups)}\0".encode())
    for section in document.sections:
        for part in (*section.heading, section.kind, section.place, section.text):
            digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _find_format(fetched: Fetched) -> Format | None:
    """What an answer is: by what its header says, unless its first bytes say something else."""
    body = fetched.body
    declared = format_of_answer(urlsplit(fetched.url).path, fetched.content_type)
    named = declared or FORMATS[PLAIN_TEXT]
    found = format_of_content(body, named)
    if found is named and declared is None:
        return None
    is_binary = b"\0" in body[:1024] and not body.startswith((b"\xff\xfe", b"\xfe\xff"))
    return None if (found.is_text and is_binary) or is_archive(body, found.kind) else found


def _visit_of_error(url: str, error: OutboundError) -> Visit:
    if error.upstream_status in _GONE:
        code = "gone" if error.upstream_status == HTTPStatus.GONE else "not_found"
        return Visit(PageState.GONE, url, code, error.reason)
    if error.code == "redirected_away":
        return Visit(PageState.LEFT_OUT, url, error.code, error.reason)
    return Visit(
        PageState.FAILED, url, error.code, error.reason, error.retryable, size=error.received,
        retry_after=error.retry_after if error.retryable else None,
    )  # fmt: skip


def _fit(value: str | None, length: int) -> str:
    return value if value and len(value) <= length else ""
