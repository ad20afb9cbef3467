"""`entities.xml` of Confluence's XML export, read as a stream: no tree is built, so that a bomb has nothing to fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from knowledge.formats.sections import ParseError, clean_line

_WANTED: Final = {
    "Page": ("title", "parent", "contentStatus", "originalVersion"),
    "BlogPost": ("title", "contentStatus", "originalVersion"),
    "BodyContent": ("body", "content"),
    "Attachment": ("title", "containerContent", "content", "version", "contentStatus", "originalVersion"),
    "ContentPermissionSet": ("type", "owningContent"),
}  # fmt: skip
_LONGEST_PATH: Final = 20
_MOST_OBJECTS: Final = 200_000


@dataclass
class SpacePage:
    pk: str
    title: str
    parent: str = ""
    body: str = ""


@dataclass(frozen=True)
class SpaceFile:
    title: str
    page_id: str
    packed_as: str


@dataclass
class SpaceEntities:
    """`restricted` are ids of pages that not everybody who sees the space may see; `parents` those of every page, also
    of one that is a draft or in the bin.
    """

    pages: dict[str, SpacePage] = field(default_factory=dict)
    attachments: list[SpaceFile] = field(default_factory=list)
    restricted: set[str] = field(default_factory=set)
    parents: dict[str, str] = field(default_factory=dict)

    def find_path(self, page: SpacePage) -> str:
        """Where it is: its title below those of the pages that it is under."""
        titles = [each.title.replace("/", "-") or "Untitled" for each in self._line_of(page)]
        return "/".join(reversed(titles))

    def is_restricted(self, page: SpacePage) -> bool:
        """Whether it, or a page that it is under, is not for everybody."""
        seen: set[str] = set()
        pk = page.pk
        while pk and pk not in seen:
            if pk in self.restricted:
                return True
            seen.add(pk)
            pk = self.parents.get(pk, "")
        return False

    def _line_of(self, page: SpacePage) -> list[SpacePage]:
        line = [page]
        while (above := self.pages.get(line[-1].parent)) and len(line) < _LONGEST_PATH:
            line.append(above)
        return line


class _Reader:
    """Keeps of each object the properties that are wanted, as texts; of what stands in another object its id."""

    def __init__(self) -> None:
        self.objects: list[tuple[str, dict[str, str]]] = []
        self._depth = 0
        self._kind = self._property = ""
        self._said: dict[str, str] = {}
        self._words: list[str] = []

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "object" and self._depth == 1:
            self._kind, self._said = attributes.get("class", ""), {}
        elif self._depth == 2 and self._kind in _WANTED and tag in ("id", "property"):
            name = "id" if tag == "id" else attributes.get("name", "")
            self._property = name if name == "id" or name in _WANTED[self._kind] else ""
            self._words = []
        self._depth += 1

    def say(self, words: str) -> None:
        if self._property:
            self._words.append(words)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if self._depth == 2 and self._property:
            self._said[self._property] = "".join(self._words).strip()
            self._property = ""
        elif self._depth == 1 and self._kind in _WANTED:
            self.objects.append((self._kind, self._said))
            self._kind = ""
            if len(self.objects) > _MOST_OBJECTS:
                raise ParseError("This export holds too many pages and versions.", code="too_large")


def read_entities(data: bytes) -> SpaceEntities:
    """What a space holds now. Raises ParseError."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler = reader.say
    parser.StartDoctypeDeclHandler = _refuse_declarations
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise ParseError("The entities.xml of this export of Confluence is broken.") from None
    return _gather(reader.objects)


def _refuse_declarations(*_: object) -> None:
    raise ParseError("The entities.xml of this export declares entities of its own.")


def _gather(objects: list[tuple[str, dict[str, str]]]) -> SpaceEntities:
    space = SpaceEntities()
    for kind, said in objects:
        if kind in ("Page", "BlogPost"):
            pk = said.get("id", "")
            space.parents[pk] = said.get("parent", "")
            if not _is_current(said):
                continue
            title = clean_line(said.get("title", ""))
            space.pages[pk] = SpacePage(pk, title, said.get("parent", ""))
        elif kind == "ContentPermissionSet" and said.get("type", "").casefold() == "view":
            space.restricted.add(said.get("owningContent", ""))
    versions: dict[tuple[str, str], tuple[int, SpaceFile]] = {}
    for kind, said in objects:
        owner = said.get("containerContent") or said.get("content", "")
        if kind == "BodyContent" and owner in space.pages:
            space.pages[owner].body = said.get("body", "")
        elif kind == "Attachment" and _is_current(said) and owner in space.pages:
            version = said.get("version", "1")
            number = int(version) if version.isdecimal() and len(version) < 9 else 1
            title = clean_line(said.get("title", ""))
            file = SpaceFile(title, owner, f"attachments/{owner}/{said.get('id', '')}/{version}")
            versions[owner, title] = max(
                versions.get((owner, title), (0, file)), (number, file), key=lambda each: each[0]
            )
    space.attachments = [file for _, file in versions.values()]
    return space


def _is_current(said: dict[str, str]) -> bool:
    """Not an earlier version, a draft, or in the bin."""
    return said.get("contentStatus", "current") == "current" and not said.get("originalVersion")
