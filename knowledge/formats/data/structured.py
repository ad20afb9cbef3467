"""JSON, a JSON value per line, YAML and XML: read safely, as they are written, and handed on as nested text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import yaml

from knowledge.formats.data.readers import (
    agree_of_records,
    read_element,
    read_readers,
    restrictions_of,
)
from knowledge.formats.data.records import DEEPEST, Fields, RecordWriter, Value, describe
from knowledge.formats.plain import decode_text
from knowledge.formats.restrictions import UNREADABLE
from knowledge.formats.sections import ParseError, SectionWriter
from minirag.lib.telling.kept_sentences import kept

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_BLOCKS: Final = frozenset(
    ("p", "li", "ul", "ol", "br", "div", "dl", "dt", "dd", "table", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5",
     "h6", "pre", "para", "simpara", "item", "listitem", "itemizedlist", "orderedlist", "row", "entry", "title")
)  # fmt: skip
"""Elements whose words do not run on into those around them."""
_MOST_NAMED: Final = 20
_MOST_ALIASES: Final = 1000
_OF_CONFLUENCE: Final = "hibernate-generic"
_DECLARED: Final = re.compile(
    rb"""\A\s*<\?xml[^>]{0,200}encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})"""
)


def parse_json(data: bytes, writer: SectionWriter) -> dict[str, object]:
    text = decode_text(data)
    if not text.strip():
        return {}
    try:
        value = _read_json(text)
    except ValueError as error:
        raise ParseError(f"This JSON file is broken: {_say(error)}.") from None
    RecordWriter(writer).write(value)
    return describe(value) | read_readers([value])


def parse_json_lines(data: bytes, writer: SectionWriter) -> dict[str, object]:
    """A line that cannot be read is named, and the others are knowledge."""
    records, broken, said = RecordWriter(writer), [], list[dict[str, Any]]()
    for number, line in enumerate(decode_text(data).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = _read_json(line)
        except ValueError:
            broken.append(number)
            continue
        said.append(restrictions_of(value))
        writer.add_record(records.flatten(value, "", 1), f"line {number}")
    if broken and not said:
        raise ParseError("This file is broken: none of its lines is a JSON value.")
    readers = agree_of_records(said)
    notes = readers.pop("notes", [])
    metadata: dict[str, object] = {"records": len(said), **readers}
    if broken:
        named = ", ".join(map(str, broken[:_MOST_NAMED])) + (
            " …" if len(broken) > _MOST_NAMED else ""
        )
        notes = [kept(f"Not read, for they are no JSON: lines {named}."), *notes]
    return metadata | ({"notes": notes} if notes else {})


def _read_json(text: str) -> Value:
    """Numbers stay as they are written: 1.10 is no 1.1."""
    try:
        value = json.loads(
            text, object_pairs_hook=Fields, parse_int=str, parse_float=str, parse_constant=str
        )
    except RecursionError:
        raise ParseError(_too_deep()) from None
    return _as_text(value)


def _as_text(value: Any) -> Value:
    """Booleans are words in text; in place, for the numbers of values may be large."""
    stack = [value]
    while stack:
        each = stack.pop()
        if not isinstance(each, list):
            continue
        for index, item in enumerate(each):
            inner = item[1] if isinstance(each, Fields) else item
            if isinstance(inner, bool):
                word = str(inner).lower()
                each[index] = (item[0], word) if isinstance(each, Fields) else word
            elif isinstance(inner, list):
                stack.append(inner)
    return str(value).lower() if isinstance(value, bool) else value


def _say(error: ValueError) -> str:
    """Where and what, without the text that is there."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno}"
    return "a value cannot be read"


# --- YAML ---------------------------------------------------------------------------------------------------------
def parse_yaml(data: bytes, writer: SectionWriter) -> dict[str, object]:
    text = decode_text(data)
    try:
        _check_yaml(text)
        known: dict[int, Value] = {}
        nodes = yaml.compose_all(text, Loader=_yaml_loader())
        documents = [_read_node(node, known) for node in nodes if node is not None]
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        fault = f"{error.problem or 'it ends'}{line}"
        raise ParseError(f"This YAML file is broken: {fault}.") from None
    except (yaml.YAMLError, ValueError):
        raise ParseError("This YAML file is broken and cannot be read.") from None
    value: Value = documents[0] if len(documents) == 1 else documents
    RecordWriter(writer, "record" if len(documents) == 1 else "document").write(value)
    return describe(value) | read_readers(documents) if documents else {}


def _yaml_loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _check_yaml(text: str) -> None:
    """Looked at before anything is built: aliases of aliases make a gigabyte of a few lines."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_yaml_loader()):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > DEEPEST:
            raise ParseError(_too_deep())
        if aliases > _MOST_ALIASES:
            raise ParseError("This YAML file repeats parts of itself too often.", code="too_large")


def _read_node(node: yaml.Node, known: dict[int, Value]) -> Value:
    """Scalars as they are written: "no" is a word and 1.10 a version. What is named once more is the same value."""
    if isinstance(node, yaml.ScalarNode):
        is_nothing = not node.style and node.value in ("", "~", "null")
        return None if is_nothing else str(node.value)
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.SequenceNode):
        values = known[id(node)] = []
        values.extend(_read_node(each, known) for each in node.value)
        return values
    fields = known[id(node)] = Fields()
    for key, each in node.value:
        name = _read_node(key, known)
        value = _read_node(each, known)
        if name == "<<" and not key.style:
            own = {each.value for each, _ in node.value if isinstance(each, yaml.ScalarNode)}
            fields.extend(_merged(value, own))
        else:
            fields.append((name if isinstance(name, str) else "", value))
    return fields


def _merged(value: Value, names: set[str]) -> Iterator[tuple[str, Value]]:
    for each in [value] if isinstance(value, Fields) else value or ():
        if isinstance(each, Fields):
            yield from [field for field in each if field[0] not in names]


# --- XML ----------------------------------------------------------------------------------------------------------
def parse_xml(data: bytes, writer: SectionWriter) -> dict[str, object]:
    from xml.etree.ElementTree import ParseError as BrokenXml

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if not data.strip():
        return {}
    declared = _DECLARED.match(data[:300])
    try:
        root = fromstring(data if declared else decode_text(data).lstrip("\ufeff \n"))
    except DefusedXmlException:
        raise ParseError(
            "This XML file declares entities of its own, which are not read.", code="unsupported"
        ) from None
    except BrokenXml as error:
        raise ParseError(f"This XML file is broken at line {error.position[0]}.") from None
    except (ValueError, LookupError):
        raise ParseError(
            "This XML file is in an encoding that cannot be read.", code="encoding"
        ) from None
    if root.tag == _OF_CONFLUENCE:
        raise ParseError(
            "It is the inside of an export of Confluence, with what only some may see: upload the zip as it came.",
            code="restricted",
        )
    value = _read_element(root, 0)
    RecordWriter(writer).write(value)
    parts = _list_parts(root) if _is_mixed(root) and len(root) else value
    told = describe(value) | read_element(_local_name(root.tag), parts, root)
    return told | ({"encoding": declared[1].decode()} if declared else {})


def _read_element(element: Element, depth: int) -> Value:
    if depth > DEEPEST:
        raise ParseError(_too_deep())
    fields = Fields((_local_name(name), value) for name, value in element.attrib.items())
    if _is_mixed(element):
        words = " ".join(_read_mixed(element).split())
        return words if not fields else Fields([*fields, ("text", words)])
    for child in element:
        name, value = _local_name(child.tag), _read_element(child, depth + 1)
        # Neighbours of one name are a list of such things.
        if fields and fields[-1][0] == name and isinstance(fields[-1][1], _Run):
            fields[-1][1].append(value)
        else:
            fields.append((name, _Run([value])))
    for index, (name, held) in enumerate(fields):
        if isinstance(held, _Run):
            fields[index] = (name, held[0] if len(held) == 1 else [*held])
    return fields


def _is_mixed(element: Element) -> bool:
    """Whether words stand between its parts."""
    return any(text and text.strip() for text in (element.text, *(each.tail for each in element)))


def _list_parts(root: Element) -> Fields:
    """The attributes and parts of a text with marks in it, which is otherwise read as one text."""
    fields = Fields((_local_name(name), value) for name, value in root.attrib.items())
    for child in root:
        words = " ".join(_read_mixed(child).split()) or Fields()
        fields.append((_local_name(child.tag), UNREADABLE if len(child) else words))
    return fields


class _Run(list[Value]):
    """Neighbouring elements of one name."""


def _read_mixed(element: Element) -> str:
    """Words with marks among them; a link keeps its address."""
    parts = [element.text or ""]
    for child in element:
        apart = " " if _local_name(child.tag).lower() in _BLOCKS else ""
        parts += [apart, _read_mixed(child), apart]
        address = next((v for n, v in child.attrib.items() if _local_name(n) == "href"), "")
        parts.append(f" ({address})" if "://" in address else "")
        parts.append(child.tail or "")
    return "".join(parts)


def _local_name(name: object) -> str:
    return str(name).rpartition("}")[2]


def _too_deep() -> str:
    return kept(f"This file nests its data more than {DEEPEST} levels deep.")
