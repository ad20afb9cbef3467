"""Other people's scripts that are built into ours, pinned: see README.md beside this file."""

from __future__ import annotations

import re
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
        "marked", "marked", "18.0.6", "lib/marked.esm.js",
        "35398f546525d5e79a8f2f8738635d3ecbd277618cba2ada874e9d27dc9e88f0",
    ),
    Vendored(
        "purify", "dompurify", "3.5.0", "dist/purify.min.js",
        "f69a46022ab1f53e969c8ebbca98172c8995785a9b3be72ea4a12d25b1a1bf67",
    ),
)  # fmt: skip


_CONVENIENCE: Final = re.compile(r"var (\w+)=new \w+;function \w+\(.*?(?=export\{)", re.S)
"""marked's own function, which makes HTML of a text: ours makes nodes of what its lexer has read."""


def wrap_purify(text: str) -> str:
    """A declaration of `purify`. The page's own `module`, `exports` and `define` are out of its sight."""
    return (
        f"const purify = ((module, exports, define) => {{\n{text}\n"
        "return module.exports; })({ exports: {} }, {});\n"
    )


def wrap_marked(text: str) -> str:
    """A declaration of `marked` with what ours needs of it, so that a minifier leaves out the rest."""
    script, exported = _CONVENIENCE.sub("", text, count=1).rsplit("export{", 1)
    names = {public: own for own, public in re.findall(r"(\w+) as (\w+)", exported)}
    needed = ", ".join(f"{name}: {names[name]}" for name in ("Lexer", "Tokenizer", "getDefaults"))
    return f"const marked = (() => {{\n{script}\nreturn {{ {needed} }}; }})();\n"


def vendored_script() -> str:
    """Both, without the names of their source maps."""
    marked, purify = (re.sub(r"//# sourceMappingURL.*", "", each.text) for each in VENDORED)
    return wrap_marked(marked) + wrap_purify(purify)
