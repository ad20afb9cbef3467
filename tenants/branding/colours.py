"""A tenant's colour: whether it can be read, the nearest that can, and the admin's shades of it."""

from __future__ import annotations

import re
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

LEAST_CONTRAST: Final = 4.5
"""WCAG's AA for text of any size."""
LIGHT, DARK = "#ffffff", "#18181b"
_HEX = re.compile(r"#[0-9a-f]{6}", re.I)
_SHADES: Final = {
    "50": (6, "#fff"), "100": (12, "#fff"), "200": (25, "#fff"), "300": (45, "#fff"), "500": (88, "#fff"),
    "700": (86, "#000"), "800": (72, "#000"), "900": (60, "#000"), "950": (40, "#000"),
}  # fmt: skip


def is_colour(text: str) -> bool:
    return _HEX.fullmatch(text) is not None


def contrast_of(one: str, other: str) -> float:
    """WCAG's ratio of two colours, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return round((light + 0.05) / (dark + 0.05), 2)


def nearest_readable(colour: str, ground: str) -> str:
    """The same colour, made darker or lighter until it can be read on `ground`."""
    aim = "#000000" if _luminance(ground) > 0.5 else "#ffffff"
    for percent in range(101):
        mixed = _mix(colour, aim, percent / 100)
        if contrast_of(mixed, ground) >= LEAST_CONTRAST:
            return mixed
    return aim


def validate_accent(colour: str) -> None:
    """Raise ValidationError for what is no colour, or cannot be read on white nor carry white text."""
    _validate(colour, LIGHT, _("text in it on white, and white text on it"))


def validate_dark_accent(colour: str) -> None:
    """Raise ValidationError for what is no colour, or cannot be read on a dark page."""
    _validate(colour, DARK, _("text in it on a dark page"))


def _validate(colour: str, ground: str, what: str) -> None:
    if not colour:
        return
    if not is_colour(colour):
        raise ValidationError(_("A colour is written as #rrggbb, such as #3f51d8."))
    ratio = contrast_of(colour, ground)
    if ratio < LEAST_CONTRAST:
        said = _(
            "%(colour)s has too little contrast for %(what)s: %(ratio)s to 1, and %(least)s are needed. The nearest "
            "that can be read is %(nearest)s."
        )
        raise ValidationError(
            said
            % {
                "colour": colour,
                "what": what,
                "ratio": ratio,
                "least": LEAST_CONTRAST,
                "nearest": nearest_readable(colour, ground),
            },
        )


def write_shades(accent: str, dark_accent: str) -> str:
    """The admin's stylesheet of a tenant's colours; empty without any. Only what `is_colour` gets into it."""
    if not is_colour(accent):
        return ""
    lighter = dark_accent if is_colour(dark_accent) else nearest_readable(accent, DARK)
    lines = [
        f"--color-primary-{name}: color-mix(in oklab, {accent} {share}%, {other});"
        for name, (share, other) in _SHADES.items()
    ]
    lines += [f"--color-primary-400: {lighter};", f"--color-primary-600: {accent};"]
    inner = "\n".join(f"  {line}" for line in lines)
    # Twice the root, since the theme's own colours are of `html:root` in another file.
    return f"html:root:root {{\n{inner}\n}}\nhtml:root.dark {{\n  --color-primary-500: {lighter};\n}}\n"


def _mix(one: str, other: str, share: float) -> str:
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(colour: str) -> float:
    parts = [value / 255 for value in _channels(colour)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
