"""What a look at a site comes to: which pages answer, and what is different from the last version. Pure.

A page that is not found any more goes on answering until it was looked for often enough; one whose fetch failed goes on
as long as it fails. A page that is left for another is lost unless its text is still said, or has moved there alone:
a login, an error or a front page that all others lead to is no place to which they moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from knowledge.models.sites import RESTRICTED, PageState, SitePage
from minirag.lib.telling.kept_sentences import kept

MOST_CHANGES: Final = 5000
KINDS: Final = ("added", "changed", "gone", "missing", "failed")
_LONGEST_TOLD: Final = 300
_LEVELLED: Final = 3


@dataclass
class Comparison:
    """`changes` are for people. `rewritten` are the pages whose text is another one, of which those that are `levelled`
    all say one thing and count as lost.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*KINDS, "unchanged"), 0))
    changes: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0
    before: int = 0
    levelled: set[str] = field(default_factory=set)
    rewritten: list[SitePage] = field(default_factory=list)

    @property
    def changes_what_answers(self) -> bool:
        return any(self.counts[kind] for kind in ("added", "changed", "gone"))

    @property
    def share_lost(self) -> float:
        return self.lost / self.before if self.before else 0.0

    def level(self, urls: set[str]) -> None:
        """Count pages as lost, each once, that are there and say one thing with others."""
        self.lost += len(urls - self.levelled)
        self.levelled |= urls

    def tell(self, kind: str, page: SitePage, reason: str = "") -> None:
        self.counts[kind] += 1
        if len(self.changes) < MOST_CHANGES:
            said = {"url": page.url, "change": kind, "title": page.title[:_LONGEST_TOLD]}
            self.changes.append({**said, "reason": (reason or page.reason)[:_LONGEST_TOLD]})


def compare(
    pages: list[SitePage], before: Mapping[str, SitePage], *, gone_after: int, believes_all: bool
) -> Comparison:
    """Judge the pages of a look in place, against those that answer now; `believes_all`: what is missing is gone."""
    _find_duplicates(pages, before)
    there = {page.url: page for page in pages if not page.is_list}
    _name_redirected(there, before)
    found = Comparison(before=len(before))
    for page in sorted(pages, key=lambda page: (page.depth, page.url)):
        if page.is_list:
            continue
        old = before.get(page.url)
        if page.state == PageState.READ:
            page.answers, page.times_missing = True, 0
            if old is None:
                found.tell("added", page)
            elif old.content_hash != page.content_hash:
                found.tell("changed", page)
                found.rewritten.append(page)
            else:
                found.counts["unchanged"] += 1
        elif old is not None:
            _judge_lost(page, old, found, 1 if believes_all else gone_after)
        elif page.state == PageState.FAILED:
            found.tell("failed", page)
    found.lost += _count_left(there, before)
    found.level(_find_levelled(there, before))
    return found


def _name_redirected(there: Mapping[str, SitePage], before: Mapping[str, SitePage]) -> None:
    """What answers now and leads to a notice, or to what is not taken, is itself what that one is."""
    for url in before.keys() & there.keys():
        page = there[url]
        target = there.get(page.canonical) if page.code == "redirected" else None
        if target is not None and target.state not in (PageState.READ, PageState.DUPLICATE):
            page.state, page.code = target.state, target.code
            page.reason = f"It leads to {target.url}: {target.reason}"[:500]


def _count_left(there: Mapping[str, SitePage], before: Mapping[str, SitePage]) -> int:
    """How many pages are left for others that do not say what they said, but for the first that moves to a new one."""
    said = {page.content_hash for page in there.values() if page.state == PageState.READ}
    taken, lost = set(before), 0
    for url in sorted(before.keys() & there.keys()):
        page = there[url]
        if page.state == PageState.DUPLICATE and before[url].content_hash not in said:
            target = _find_end(page, there)
            lost += target in taken
            taken.add(target)
    return lost


def _find_end(page: SitePage, there: Mapping[str, SitePage]) -> str:
    """The page that a duplicate is one of in the end."""
    seen: set[str] = set()
    while page.state == PageState.DUPLICATE and page.url not in seen and page.canonical in there:
        seen.add(page.url)
        page = there[page.canonical]
    return page.url


def _find_levelled(there: Mapping[str, SitePage], before: Mapping[str, SitePage]) -> set[str]:
    """The pages that have other texts and one title all at once, as where each says that something went wrong."""
    titles: dict[str, set[str]] = defaultdict(set)
    for url in before.keys() & there.keys():
        page, old = there[url], before[url]
        is_new = page.content_hash != old.content_hash and page.title != old.title
        if page.state == PageState.READ and is_new:
            titles[page.title].add(url)
    return {url for urls in titles.values() if len(urls) >= _LEVELLED for url in urls}


def _judge_lost(page: SitePage, old: SitePage, found: Comparison, gone_after: int) -> None:
    """A page that answers now and could not be read anew."""
    page.title, page.language = page.title or old.title, page.language or old.language
    page.groups = old.groups if page.groups is None else page.groups
    page.content_hash, page.etag, page.last_modified = old.content_hash, "", ""
    if page.state == PageState.FAILED:
        page.answers, page.times_missing = True, old.times_missing
        found.tell("failed", page)
    elif page.state == PageState.GONE:
        found.lost += 1
        page.times_missing = min(old.times_missing + 1, 1000)
        page.answers = page.times_missing < gone_after and page.code != "gone"
        if page.answers:
            looks = kept(
                f"{page.reason} Missed {page.times_missing} of {gone_after} times; until then it answers."
            )
            found.tell("missing", page, looks)
        else:
            found.tell("gone", page)
    else:
        found.lost += page.state == PageState.LEFT_OUT and page.code != RESTRICTED
        found.tell("gone", page)


def _find_duplicates(pages: Iterable[SitePage], before: Mapping[str, SitePage]) -> None:
    read = {page.url: page for page in pages if page.state == PageState.READ and not page.is_list}
    for page in list(read.values()):
        other = read.get(page.canonical)
        if (
            other is not None
            and other is not page
            and other.canonical in ("", other.url)
            and other.groups == page.groups
            and _is_likely(page, other)
        ):
            reason = f"It names as its canonical address {other.url}"
            _mark_duplicate(page, other, "canonical", reason)
    same: dict[str, list[SitePage]] = defaultdict(list)
    for page in read.values():
        if page.state == PageState.READ:
            same[page.content_hash].append(page)
    for group in same.values():
        # What answered before stays, so that two that say the same do not take turns.
        first, *others = sorted(
            group, key=lambda page: (page.url not in before, page.depth, len(page.url), page.url)
        )
        for page in others:
            reason = f"It says the same as {first.url}"
            _mark_duplicate(page, first, "same_text", reason)


def _is_likely(page: SitePage, other: SitePage) -> bool:
    """A front page that all others name is a fault of the site, not the canonical address of all that it says."""
    return urlsplit(other.url).path != "/" or urlsplit(page.url).path == "/"


def _mark_duplicate(page: SitePage, other: SitePage, code: str, reason: str) -> None:
    page.state, page.code, page.reason = PageState.DUPLICATE, code, reason[:500]
    page.canonical = other.url
