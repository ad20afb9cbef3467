"""Signs that Word keeps as the place of a glyph in a font of symbols, as what they show."""

from __future__ import annotations

from typing import Final

_GREEK: Final = dict(
    zip(
        "ABCDEFGHIKLMNOPQRSTUWXYZabcdefghiklmnopqrstuwxyz",
        "ΑΒΧΔΕΦΓΗΙΚΛΜΝΟΠΘΡΣΤΥΩΞΨΖαβχδεφγηικλμνοπθρστυωξψζ",
        strict=True,
    )
)
_SYMBOL: Final = {
    0xA2: "′", 0xA3: "≤", 0xA5: "∞", 0xAB: "↔", 0xAC: "←", 0xAD: "↑", 0xAE: "→", 0xAF: "↓", 0xB0: "°", 0xB1: "±",
    0xB2: "″", 0xB3: "≥", 0xB4: "×", 0xB6: "∂", 0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBA: "≡", 0xBB: "≈", 0xBC: "…",
    0xC6: "∅", 0xC7: "∩", 0xC8: "∪", 0xCE: "∈", 0xCF: "∉", 0xD0: "∠", 0xD1: "∇", 0xD2: "®", 0xD3: "©", 0xD4: "™",
    0xD5: "∏", 0xD6: "√", 0xD7: "·", 0xD8: "¬", 0xD9: "∧", 0xDA: "∨", 0xDB: "⇔", 0xDC: "⇐", 0xDE: "⇒", 0xE5: "∑",
    0xF2: "∫",
}  # fmt: skip
_WINGDINGS: Final = {
    0x28: "☎", 0x2A: "✉", 0x46: "☞", 0x4A: "☺", 0x4C: "☹", 0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x76: "❖",
    0xA7: "▪", 0xA8: "☐", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xFB: "✗",
    0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip


def read_symbol(font: str, code: str) -> str:
    """The sign at `code` (hexadecimal) of a font; nothing where that is not known."""
    try:
        at = int(code[:8], 16)
    except ValueError:
        return ""
    if not 0xF000 <= at <= 0xF0FF and at > 0xFF:
        return chr(at) if at < 0xD800 or 0xF900 <= at <= 0x10FFFF else ""
    at &= 0xFF
    if font.lower().startswith("wingdings"):
        return _WINGDINGS.get(at, "")
    if font.lower().startswith("symbol"):
        return _SYMBOL.get(at) or _GREEK.get(chr(at)) or (chr(at) if 0x20 <= at < 0x7F else "")
    return chr(at) if at >= 0x20 else ""
