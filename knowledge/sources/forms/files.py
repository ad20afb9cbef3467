"""Files as the admin's forms take them: each is read once while its owner looks, and refused with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminFileFieldWidget

from knowledge.formats.isolated.measuring import check_isolated
from knowledge.formats.registry import BY_SUFFIX, advise, format_of_upload, list_uploadable
from knowledge.formats.uploads import largest_bytes, shorten_file_name
from minirag.lib.errors import BadInput
from minirag.lib.telling.kept_sentences import retell


@dataclass(frozen=True)
class ReadFile:
    """A file that can be read. `name` is short enough to be kept."""

    name: str
    kind: str
    data: bytes


def read_file(file: UploadedFile) -> ReadFile:
    """Check a file's kind and size, and read it once. Raises ValidationError, which says what is wrong with it."""
    name = shorten_file_name(file.name or "")
    found = format_of_upload(name)
    if found is None:
        told = gettext("This type of file cannot be read.%(advice)s Allowed: %(types)s") % {
            "advice": advise(name),
            "types": list_uploadable(),
        }
        raise forms.ValidationError(told)
    if (file.size or 0) > (most := largest_bytes(name)):
        raise forms.ValidationError(
            gettext("The file is too large: at most %(most)s MB.") % {"most": most // 2**20}
        )
    data = file.read()
    try:
        if data:
            check_isolated(data, kind=found.kind, name=name)
    except BadInput as error:
        raise forms.ValidationError(retell(error.detail)) from None
    return ReadFile(name, found.kind, data)


class SeveralFilesWidget(UnfoldAdminFileFieldWidget):
    allow_multiple_selected = True

    def __init__(self) -> None:
        super().__init__(attrs={"accept": ",".join(BY_SUFFIX), "multiple": True})


class SeveralFilesField(forms.FileField):
    """As many files as are chosen, as a list; which of them are taken says `read_files`."""

    widget = SeveralFilesWidget

    def clean(self, data: Any, initial: Any = None) -> Any:
        chosen = data if isinstance(data, list | tuple) else [data]
        return [super(SeveralFilesField, self).clean(each, initial) for each in chosen if each]


def read_files(files: list[UploadedFile]) -> tuple[list[ReadFile], list[str]]:
    """Return those that can be read, and of each other one a sentence that names it and says why not."""
    read, refused = [], []
    for file in files:
        try:
            read.append(read_file(file))
        except forms.ValidationError as error:
            told = " ".join(error.messages)
            refused.append(f"{file.name}: {told}" if len(files) > 1 else told)
    return read, refused
