"""What programs for documentation add to Markdown, as plain Markdown: boxes, tabs, imports, names of headings.

Docusaurus, MkDocs, GitBook, Hugo and the like. Their marks are no text; the titles that they carry are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BOX = re.compile(
    r'\s*:{3,}(?:\s*\{?[\w-]+\}?)?(?:\[(.{0,200})\]|\s+"?([^"{}]{0,200}?)"?)?\s*(?:\{.*\})?'
)
_INDENTED_BOX = re.compile(
    r'( *)(?:(?:!!!|\?\?\?\+?)(?: +[\w-]+){0,4} *(?:"(.{0,200})")?|===\+? +"(.{0,200})") *'
)
_TAGS = re.compile(
    r"\s*(?:\{%[^{}]{0,300}%\}\s*|\{\{[<%][^{}]{0,300}[>%]\}\}\s*|</?[A-Z][\w.]*(?:\s[^<>]{0,500})?/?>\s*)+"
)
_SHORT_CODE = re.compile(r"\{\{[<%]\s[^{}]{0,300}\s[>%]\}\}")
_IMPORT = re.compile(
    r"""(?:import|export)\b.{1,200}\bfrom\s+['"].{1,200}['"];?\s*|import\s+['"].{1,200}['"];?\s*"""
)
_MARKS: Final = (":::", "!!!", "???", "===", "{%", "{{", "import", "export", "{#", "{.", "{:", "<")


def write_plain(text: str) -> str:
    """The same text in Markdown that every reader knows. What stands in fences is left as it is."""
    if not any(mark in text for mark in _MARKS):
        return text
    return "\n".join(_write_lines(text.split("\n")))


def _write_lines(lines: list[str]) -> Iterator[str]:
    fence, indent = "", 0
    for number, line in enumerate(lines):
        if indent and line.strip() and not line.startswith(" " * indent):
            indent = 0
        line = line[indent:] if indent else line
        opens = _FENCE.match(line)
        if fence:
            fence = "" if line.strip().startswith(fence) and not line.strip(" `~") else fence
            yield line
        elif opens is not None:
            fence = opens[1]
            yield line
        elif (box := _INDENTED_BOX.fullmatch(line)) is not None and _is_indented(
            lines[number + 1 : number + 3], indent + len(box[1]) + 4
        ):
            indent += len(box[1]) + 4
            yield from ("", box[2] or box[3] or "", "")
        else:
            yield _write_line(line)


def _is_indented(lines: list[str], indent: int) -> bool:
    """Whether the first line that says something stands so far to the right."""
    first = next((line for line in lines if line.strip()), "")
    return first.startswith(" " * indent)


def _write_line(line: str) -> str:
    if not any(mark in line for mark in _MARKS):
        return line
    if line.lstrip().startswith(":::") and (box := _BOX.fullmatch(line.strip())) is not None:
        title = (box[1] or box[2] or "").strip()
        return f"\n{title}\n" if title else ""
    if _TAGS.fullmatch(line) or _IMPORT.fullmatch(line):
        return ""
    return _drop_name(_SHORT_CODE.sub("", line))


def _drop_name(line: str) -> str:
    """A heading without the name that links call it by: "# Install {#install}"."""
    line = line.rstrip()
    at = line.rfind("{") if line.lstrip().startswith("#") and line.endswith("}") else -1
    return line[:at].rstrip() if at > 0 and line[at + 1 : at + 2] in "#.:" else line
