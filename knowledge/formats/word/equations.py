"""Equations of Office as text in one line: fractions by "/", powers by "^", indices by "_", roots by "√"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

M: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DEEPEST: Final = 60


def write_equation(element: Any) -> str:
    """The text of an `m:oMath` or `m:oMathPara`."""
    return " ".join(_write(element, 0).split())


def _write(element: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return "".join(element.itertext())
    tag = element.tag
    if tag == f"{M}t":
        return element.text or ""
    if not isinstance(tag, str) or tag.endswith("Pr"):
        return ""
    rule = _RULES.get(tag.removeprefix(M)) if tag.startswith(M) else None
    if rule is not None:
        return rule(element, depth + 1)
    if tag.startswith(M):
        return "".join(_write(child, depth + 1) for child in element)
    # Word's own runs within an equation.
    return "".join(node.text or "" for node in element.iter() if str(node.tag).endswith("}t"))


def _part(element: Any, name: str, depth: int) -> str:
    found = element.find(f"{M}{name}")
    return "" if found is None else _write(found, depth).strip()


def _property(element: Any, name: str, default: str) -> str:
    for properties in element:
        if isinstance(properties.tag, str) and properties.tag.endswith("Pr"):
            found = properties.find(f"{M}{name}")
            if found is not None:
                return str(found.get(f"{M}val") or "")
    return default


def _enclose(text: str) -> str:
    """In brackets, unless it is one name or number."""
    return text if text.isalnum() or len(text) < 2 or _is_bracketed(text) else f"({text})"


def _is_bracketed(text: str) -> bool:
    return text[0] == "(" and text.find(")") == len(text) - 1


def _write_fraction(element: Any, depth: int) -> str:
    above, below = _part(element, "num", depth), _part(element, "den", depth)
    if _property(element, "type", "bar") == "noBar":
        return f"({above} over {below})"
    return f"{_enclose(above)}/{_enclose(below)}"


def _write_scripts(element: Any, depth: int) -> str:
    below, above = _part(element, "sub", depth), _part(element, "sup", depth)
    base = _part(element, "e", depth)
    scripts = (f"_{_enclose(below)}" if below else "") + (f"^{_enclose(above)}" if above else "")
    return f"{_enclose(base) if above else base}{scripts}"


def _write_root(element: Any, depth: int) -> str:
    degree, base = _part(element, "deg", depth), _part(element, "e", depth)
    return f"√[{degree}]({base})" if degree else f"√{_enclose(base)}"


def _write_sum(element: Any, depth: int) -> str:
    sign = _property(element, "chr", "∫") or "∫"
    below, above = _part(element, "sub", depth), _part(element, "sup", depth)
    limits = (f"_{_enclose(below)}" if below else "") + (f"^{_enclose(above)}" if above else "")
    return f"{sign}{limits} {_part(element, 'e', depth)}"


def _write_brackets(element: Any, depth: int) -> str:
    inner = [_write(child, depth).strip() for child in element.findall(f"{M}e")]
    divider = _property(element, "sepChr", "|") or " "
    return (
        _property(element, "begChr", "(") + divider.join(inner) + _property(element, "endChr", ")")
    )


def _write_matrix(element: Any, depth: int) -> str:
    rows = [
        ", ".join(_write(cell, depth).strip() for cell in row.findall(f"{M}e"))
        for row in element.findall(f"{M}mr")
    ]
    return f"[{'; '.join(rows)}]"


def _write_function(element: Any, depth: int) -> str:
    return f"{_part(element, 'fName', depth)} {_enclose(_part(element, 'e', depth))}"


def _write_limit(element: Any, depth: int) -> str:
    joint = "_" if element.tag == f"{M}limLow" else "^"
    return f"{_part(element, 'e', depth)}{joint}{_enclose(_part(element, 'lim', depth))}"


def _write_lines(element: Any, depth: int) -> str:
    return "; ".join(_write(child, depth).strip() for child in element.findall(f"{M}e"))


_RULES: Final[dict[str, Callable[[Any, int], str]]] = {
    "f": _write_fraction, "sSup": _write_scripts, "sSub": _write_scripts, "sSubSup": _write_scripts,
    "rad": _write_root, "nary": _write_sum, "d": _write_brackets, "m": _write_matrix, "func": _write_function,
    "limLow": _write_limit, "limUpp": _write_limit, "eqArr": _write_lines,
}  # fmt: skip
