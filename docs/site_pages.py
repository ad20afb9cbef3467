"""What MkDocs does not know of these pages: some of them lie beside docs/, and they are written for GitHub's Markdown.

A hook of mkdocs.yml. Pages and files of the checkout's root that docs/ links to come along, links lead to them, and a
list begins also where no empty line stands before it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.structure.files import File, Files

ROOT: Final = Path(__file__).resolve().parent.parent
BESIDE: Final = {
    "README.md": "overview.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md", "LICENSE": "files/LICENSE.txt", "Dockerfile": "files/Dockerfile.txt",
    "compose.yaml": "files/compose.yaml", "mkdocs.yml": "files/mkdocs.yml",
    "Caddyfile": "files/Caddyfile.txt", ".env.example": "files/env.example.txt",
}  # fmt: skip
"""What lies in the root, and where it stands in the site."""
_LINK: Final = re.compile(
    r'(?P<before>\]\(|\b(?:src|href)=")(?P<target>[^)\s"#:]+)(?P<after>[)#"])'
)
_FENCE: Final = re.compile(r"^ *(```|~~~)")
_ITEM: Final = re.compile(r"^(?P<indent> *)([-*]|\d+\.) ")


def on_files(files: Files, config: Any) -> Files:
    for name, place in BESIDE.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_others: Any) -> str:
    folder = "" if page.file.src_uri in BESIDE.values() else "docs"
    parts = re.split(r"(^ *```.*?^ *```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(
        part if number % 2 else begin_lists(lead_links(part, folder))
        for number, part in enumerate(parts)
    )


def lead_links(text: str, folder: str) -> str:
    """Have links of a page that lies in `folder` lead to where their files are in the site."""

    def lead(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found["target"]))
        if target in BESIDE:
            target = BESIDE[target]
        elif target.startswith("docs/"):
            target = target.removeprefix("docs/")
        else:
            return found[0]
        return f"{found['before']}{target}{found['after']}"

    return _LINK.sub(lead, text)


def begin_lists(text: str) -> str:
    """Put an empty line before a list that follows a paragraph."""
    lines: list[str] = []
    for line in text.split("\n"):
        item = _ITEM.match(line)
        before = lines[-1] if lines else ""
        if (
            item
            and not item["indent"]
            and before.strip()
            and not _ITEM.match(before)
            and before[:1] not in (" ", "|")
        ):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)
