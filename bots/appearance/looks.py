"""What a widget's look is made of, and whether its colours can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from django.utils.translation import gettext, gettext_lazy
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from minirag.lib.bounds import check_stored
from tenants.branding.colours import LEAST_CONTRAST, contrast_of, nearest_readable

LIGHT_INK, DARK_INK = "#ffffff", "#10131a"
"""What the widget writes on its colour with, whichever reads better (widget/parts/element.js)."""
_DARK_WINDOW: Final = "#15181f"  # widget/parts/look.js
LONGEST_TITLE: Final = 100
LONGEST_LABEL: Final = 30
MOST_HOSTS: Final = 20
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST: Final = rf"^{_LABEL}(\.{_LABEL})*(:[0-9]{{1,5}})?$"
Host = Annotated[
    str, StringConstraints(pattern=HOST, to_lower=True, strip_whitespace=True, max_length=255)
]
Colour = Annotated[str, StringConstraints(pattern=r"^(#[0-9A-Fa-f]{6})?$", to_lower=True)]


class Appearance(BaseModel):
    """A widget's look as far as it is chosen: "" is the widget's own. What a page's tag says counts before it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TITLE)] = ""
    theme: Literal["", "light", "dark"] = ""
    position: Literal["", "left", "right"] = ""
    size: Literal["", "small", "large"] = ""
    radius: Annotated[int, Field(ge=0, le=24)] | None = None
    color: Colour = ""
    dark_color: Colour = ""
    shows_logo: bool = False
    launcher: Literal["", "question", "people"] = ""
    launcher_label: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=LONGEST_LABEL)
    ] = ""
    image_hosts: Annotated[list[Host], Field(max_length=MOST_HOSTS)] = []

    @model_validator(mode="after")
    def _be_readable(self) -> Self:
        for name in ("color", "dark_color"):
            colour = getattr(self, name)
            if colour and not is_readable(colour):
                raise PydanticCustomError(
                    "colour_unreadable", "{told}", {"told": tell_unreadable(name, colour)}
                )
        return self

    @property
    def chosen(self) -> dict[str, Any]:
        """What is other than the widget's own: what is stored."""
        return self.model_dump(exclude_defaults=True)

    @property
    def dark(self) -> str:
        """The colour in the dark: the chosen one, or else the other, light enough for a dark window."""
        return self.dark_color or (nearest_readable(self.color, _DARK_WINDOW) if self.color else "")


def is_readable(colour: str) -> bool:
    """Whether white or black text is readable on it."""
    return best_contrast(colour) >= LEAST_CONTRAST


def best_contrast(colour: str) -> float:
    return max(contrast_of(colour, LIGHT_INK), contrast_of(colour, DARK_INK))


def nearest_colour(colour: str) -> str:
    """The same colour, made a little darker or lighter until text on it can be read."""
    found = (nearest_readable(colour, ink) for ink in (LIGHT_INK, DARK_INK))
    return min(found, key=lambda each: abs(contrast_of(each, colour)))


def tell_unreadable(name: str, colour: str) -> str:
    facts = {
        "field": label_of_look(name), "colour": colour, "ratio": best_contrast(colour), "least": LEAST_CONTRAST,
        "nearest": nearest_colour(colour),
    }  # fmt: skip
    said = gettext(
        "%(field)s: neither white nor black text can be read on %(colour)s, whose contrast is %(ratio)s to 1; "
        "%(least)s are needed. The nearest that passes is %(nearest)s."
    )
    return said % facts


def read_appearance(stored: Mapping[str, Any]) -> Appearance:
    """A bot's look from its column; what is broken counts as not chosen."""
    try:
        return Appearance.model_validate(stored)
    except ValidationError:
        return Appearance()


def check_appearance(value: Any) -> None:
    """Validate the column."""
    check_stored(Appearance, value)


_LABELS: Final[dict[str, Any]] = {
    "title": gettext_lazy("Heading"), "theme": gettext_lazy("Light or dark"), "position": gettext_lazy("Place"),
    "size": gettext_lazy("Size"), "radius": gettext_lazy("Corners"), "color": gettext_lazy("Colour"),
    "dark_color": gettext_lazy("Colour in the dark"), "shows_logo": gettext_lazy("Your logo"),
    "launcher": gettext_lazy("Icon of the bubble"), "launcher_label": gettext_lazy("Words on the bubble"),
    "image_hosts": gettext_lazy("Pictures from"),
}  # fmt: skip
THEMES: Final = {
    "": gettext_lazy("As the visitor’s system"), "light": gettext_lazy("Light"), "dark": gettext_lazy("Dark"),
}  # fmt: skip
POSITIONS: Final = {
    "": gettext_lazy("Where lines end: right, or left in Arabic"), "right": gettext_lazy("Right"),
    "left": gettext_lazy("Left"),
}  # fmt: skip
SIZES: Final = {
    "": gettext_lazy("Middle: 380 × 560"), "small": gettext_lazy("Small: 340 × 480"),
    "large": gettext_lazy("Large: 460 × 680"),
}  # fmt: skip
LAUNCHERS: Final = {
    "": gettext_lazy("A speech bubble"), "question": gettext_lazy("A question mark"),
    "people": gettext_lazy("People"),
}  # fmt: skip
_WORDS: Final[dict[str, Mapping[str, Any]]] = {
    "theme": THEMES,
    "position": POSITIONS,
    "size": SIZES,
    "launcher": LAUNCHERS,
}


def label_of_look(name: str) -> str:
    return str(_LABELS.get(name, name))


def tell_appearance(stored: Mapping[str, Any]) -> str:
    """A look in lines."""
    told = []
    for name, value in stored.items():
        if isinstance(value, list):
            word: Any = ", ".join(map(str, value))
        else:
            word = gettext("yes") if value is True else _WORDS.get(name, {}).get(value, value)
        told.append(f"{label_of_look(name)}: {word}")
    return "\n".join(told) or gettext("the widget’s own")
