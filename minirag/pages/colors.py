"""Makes `static/minirag/colors.css`: the theme's colours, which it would write into every page as a style of its own.

A page without such a style can forbid styles that slip in (see `minirag.serving.page_policy`). Run
`python -m minirag.pages.colors` when the colours or the theme have changed; a test says when.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")  # the theme asks for it

from unfold.settings import get_config
from unfold.utils import convert_color

FILE = Path(__file__).resolve().parent.parent.parent / "static" / "minirag" / "colors.css"


def write_colors() -> str:
    config = get_config()
    radius = config.get("BORDER_RADIUS")
    lines = [f"--border-radius: {radius};"] if radius else []
    for name, weights in config["COLORS"].items():
        lines += [
            f"--color-{name}-{weight}: {convert_color(value)};" for weight, value in weights.items()
        ]
    inner = "\n".join(f"  {line}" for line in lines)
    return f"/* Made by minirag.pages.colors. */\nhtml:root {{\n{inner}\n}}\n"


if __name__ == "__main__":
    FILE.write_text(write_colors())
