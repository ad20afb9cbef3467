"""Scripts without what only people read, by terser, which clients/package-lock.json pins."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path
from typing import Final

_TERSER: Final = (
    Path(__file__).resolve().parent.parent
    / "clients"
    / "node_modules"
    / "terser"
    / "bin"
    / "terser"
)
_STYLES: Final = re.compile(r"`\n[^`]*`")
_NOTICES: Final = "/^!|Copyright/"
MISSING: Final = "The widget is built with Node: `make node` installs what it takes."


@functools.cache
def minify(script: str, *, is_module: bool = False) -> str:
    """The same script, with the notices of its own and of other people's parts."""
    if not _TERSER.exists():
        raise FileNotFoundError(MISSING)
    options = ("--ecma", "2020", "--compress", "passes=3", "--mangle", "--comments", _NOTICES)
    done = subprocess.run(
        ["node", str(_TERSER), *options, *(["--module"] if is_module else [])],
        input=script,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise ValueError(done.stderr)
    return done.stdout


def shrink_styles(part: str) -> str:
    """A part of ours, without the spaces that mean nothing in its style sheets, which are templates of many lines."""
    return _STYLES.sub(lambda found: _shrink(found[0]), part)


def _shrink(styles: str) -> str:
    return re.sub(r"(?<=[;{},:]) +| +(?=[{}!])|;(?= *\})", "", re.sub(r"\s*\n\s*", " ", styles))
