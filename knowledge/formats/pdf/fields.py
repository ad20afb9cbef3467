"""What is filled in in a PDF form: a line for each field, "name: value"."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from knowledge.formats.sections import clean_line

if TYPE_CHECKING:
    import pypdfium2

_MOST_FIELDS: Final = 2000
_MOST_OPTIONS: Final = 500
_IS_PASSWORD: Final = 1 << 13


def read_fields(page: pypdfium2.PdfPage, form: pypdfium2.PdfFormEnv) -> list[str]:
    """The filled fields of a page in the order in which it has them; a box that is ticked says "yes"."""
    import pypdfium2.raw as pdfium

    found = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), _MOST_FIELDS)):
        note = pdfium.FPDFPage_GetAnnot(page.raw, index)
        if not note:
            continue
        try:
            if pdfium.FPDFAnnot_GetSubtype(note) == pdfium.FPDF_ANNOT_WIDGET:
                found.append(_read_field(pdfium, form.raw, note))
        finally:
            pdfium.FPDFPage_CloseAnnot(note)
    return [field for field in found if field]


def _read_field(pdfium: Any, form: Any, note: Any) -> str:
    def read(function: Any) -> str:
        return _read_text(lambda *into: function(form, note, *into))

    name = read(pdfium.FPDFAnnot_GetFormFieldAlternateName) or read(
        pdfium.FPDFAnnot_GetFormFieldName
    )
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, note)
    if kind == pdfium.FPDF_FORMFIELD_CHECKBOX:
        return f"{name}: yes" if name and pdfium.FPDFAnnot_IsChecked(form, note) else ""
    if kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON and not pdfium.FPDFAnnot_IsChecked(form, note):
        return ""
    is_secret = pdfium.FPDFAnnot_GetFormFieldFlags(form, note) & _IS_PASSWORD
    if kind == pdfium.FPDF_FORMFIELD_PUSHBUTTON or is_secret:
        return ""
    chosen = _read_chosen(pdfium, form, note)
    value = ", ".join(chosen) or read(pdfium.FPDFAnnot_GetFormFieldValue)
    return f"{name}: {value}" if name and value else value


def _read_chosen(pdfium: Any, form: Any, note: Any) -> list[str]:
    """What is chosen of a list, as it is shown there; a program would see what stands for it."""
    options = min(max(0, pdfium.FPDFAnnot_GetOptionCount(form, note)), _MOST_OPTIONS)
    return [
        _read_text(lambda *into, at=index: pdfium.FPDFAnnot_GetOptionLabel(form, note, at, *into))
        for index in range(options)
        if pdfium.FPDFAnnot_IsOptionSelected(form, note, index)
    ]


def _read_text(write: Callable[[Any, int], int]) -> str:
    """What PDFium writes into a buffer of the size that it asks for."""
    size = write(None, 0)
    buffer = ctypes.create_string_buffer(size)
    write(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return clean_line(buffer.raw[: max(0, size - 2)].decode("utf-16-le", "replace"))
