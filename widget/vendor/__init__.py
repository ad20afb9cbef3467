"""Other people's scripts that are built into ours, pinned: see README.md beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).resolve().parent


class Vendored(NamedTuple):
    """One script of one published package, and the name that it goes by in ours."""

    name: str
    package: str
    version: str
    path: str
    sha256: str

    @property
    def text(self) -> str:
        return (FOLDER / f"{self.name}.js").read_text()


VENDORED: Final = (
    Vendored(
        "marked", "marked", "18.0.6", "lib/marked.umd.js",
        "62ad5de5bea6d79b4c47e5c0b5cbe4be61e25ee8994595c2cc0969b2a144cc5d",
    ),
    Vendored(
        "purify", "dompurify", "3.5.0", "dist/purify.min.js",
        "f69a46022ab1f53e969c8ebbca98172c8995785a9b3be72ea4a12d25b1a1bf67",
    ),
)  # fmt: skip


def wrap(vendored: Vendored) -> str:
    """A declaration of a variable of its name. The page's own `module`, `exports` and `define` are out of its sight."""
    lines = vendored.text.splitlines()
    script = "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL"))
    return (
        f"  const {vendored.name} = ((module, exports, define) => {{\n{script}\n"
        "  return module.exports; })({ exports: {} }, {});\n"
    )
