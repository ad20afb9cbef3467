"""Who may read a file of data, as the things within it say it: what is not the same for all of it is for nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.data.records import Fields, Value
from knowledge.formats.restrictions import (
    UNREADABLE,
    is_key,
    read_groups,
    restrict_by_fields,
)
from minirag.lib.telling.kept_sentences import kept

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_Said = dict[str, Any]
_DIFFERS: Final = kept(
    "Its parts are not for the same people, so no visitor is answered from it: make a source for "
    "each of its groups."
)


def read_readers(things: list[Value]) -> _Said:
    """What restricts the things that a file holds side by side: one thing, the documents of a file, or records.

    One thing counts by its own fields; several, and the records of a list, have to say the same. Whatever else within
    restricts a part has to agree with that, or the file is for nobody.
    """
    only = things[0] if len(things) == 1 else None
    is_list = isinstance(only, list) and not isinstance(only, Fields)
    side_by_side: list[Any] = [*only] if is_list and only else things
    records = [each for each in side_by_side if not isinstance(each, str)]
    said = [_of_fields(each) if isinstance(each, Fields) else {} for each in records]
    inner = [each for record in records for each in _inside(record, is_record=True)]
    return _agree(said, inner)


def read_element(name: str, value: Value, root: Element) -> _Said:
    """The same of an XML file, by the attributes and parts of its root, or by the root itself: `<groups>`."""
    top = Fields([(name, value)]) if is_key(name) else value
    said = _of_fields(top) if isinstance(top, Fields) else {}
    return _agree([said], list(_below(root)))


def agree_of_records(records: Iterable[_Said]) -> _Said:
    """What restricts records that were read one by one."""
    return _agree(list(records), [])


def restrictions_of(value: Value) -> _Said:
    """What restricts one record; where a part of it says otherwise, it is for nobody."""
    said = _of_fields(value) if isinstance(value, Fields) else {}
    return _agree([said], list(_inside(value, is_record=True)))


def _agree(said: list[_Said], inner: list[_Said]) -> _Said:
    first = next(iter(said), {})
    if not any(said) and not inner:
        return {}
    groups = read_groups(first)
    is_one = all(read_groups(each) == groups for each in (*said, *inner))
    if is_one and first:
        return {name: value for name, value in first.items() if name != "notes"}
    return {"visibility": UNREADABLE, "notes": [_DIFFERS]}


def _inside(value: Value, *, is_record: bool = False) -> Iterator[_Said]:
    """What restricts anything below a value, itself but for its own fields; YAML may lead back to where it was."""
    waiting, seen = [(value, is_record)], set[int]()
    while waiting:
        each, is_told = waiting.pop()
        if not isinstance(each, list) or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Fields):
            if not is_told and (said := _of_fields(each)):
                yield said
            waiting += [(item, False) for name, item in each if not is_key(name)]
        else:
            waiting += [(item, False) for item in each]


def _below(root: Element) -> Iterator[_Said]:
    """What restricts an element below a root, but for what the root's own parts say of the whole."""
    for child in root:
        for element in child.iter():
            fields = [(_local(name), value) for name, value in element.attrib.items()]
            if element is not child and is_key(_local(element.tag)):
                fields.append((_local(element.tag), UNREADABLE))
            is_own = element is child and is_key(_local(child.tag))
            if not is_own and (said := restrict_by_fields(fields)):
                yield said
            if is_key(_local(element.tag)):
                break


def _of_fields(fields: Fields) -> _Said:
    """With the groups that XML names one by one, `<groups><group>staff</group></groups>`, as the list that they are;
    and where it says only that something is private, `<private/>`, it is.
    """

    def flat() -> Iterator[tuple[str, Value]]:
        for name, value in fields:
            if isinstance(value, Fields) and not value and name.casefold() == "private":
                yield name, UNREADABLE
            elif isinstance(value, Fields) and {each.casefold() for each, _ in value} == {"group"}:
                yield name, value[0][1] if len(value) == 1 else [each for _, each in value]
            else:
                yield name, value

    return restrict_by_fields(flat())


def _local(name: object) -> str:
    return str(name).rpartition("}")[2]
