"""The form with which the admin makes and changes a source: a text, a file, what is elsewhere, an external base."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.html import format_html_join
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bots.admin_fields import ReadersForm, TagsField
from knowledge.connectors.registry import CONNECTORS
from knowledge.formats.registry import list_uploadable
from knowledge.models import Dataset, Source, SourceType
from knowledge.models.standing import STANDING
from knowledge.sources.configs import LONGEST_URL, prepare_config
from knowledge.sources.forms.cleaning import CleaningFields
from knowledge.sources.forms.connector import CONNECTOR_FIELDS, ConnectorFields
from knowledge.sources.forms.files import SeveralFilesField, read_files
from knowledge.sources.forms.nyxcore import NYXCORE_FIELDS, NyxCoreFields
from knowledge.sources.forms.schedule import ScheduleField
from knowledge.sources.forms.site import SITE_FIELDS, SiteFields
from minirag.lib.errors import BadInput
from minirag.lib.telling.kept_sentences import retell

_CHOICES = [(SourceType.TEXT, _("A text")), (SourceType.UPLOAD, _("Files")), (SourceType.URL, _("A web page")),
            (SourceType.SITE, _("A web site")), *((row.source_type, _(row.name)) for row in CONNECTORS.values()),
            (SourceType.NYXCORE, _("A nyxCore base"))]  # fmt: skip
_FIELDS = {
    SourceType.SITE.value: ("url", *SITE_FIELDS), SourceType.NYXCORE.value: NYXCORE_FIELDS, **CONNECTOR_FIELDS,
}  # fmt: skip

_ADDRESSES: Final = {
    SourceType.URL.value: _("https://… of a page or file that can be fetched without logging in."),
    SourceType.SITE.value: _("https://… of its start page, its sitemap or a feed."),
    SourceType.GIT.value: _("The repository's page, such as https://github.com/owner/name."),
    SourceType.S3.value: _("The server, such as https://minio.example.com:9000. Empty: AWS."),
    SourceType.WEBDAV.value: _(
        "The folder's WebDAV address; of Nextcloud and ownCloud "
        "https://HOST/remote.php/dav/files/USER/."
    ),
}


class SourceForm(CleaningFields, NyxCoreFields, ConnectorFields, SiteFields, ReadersForm):
    """What may be changed later."""

    url = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=LONGEST_URL,
        widget=UnfoldAdminTextInputWidget,
    )

    refresh_schedule = ScheduleField()
    tags = TagsField(
        label=_("Tags"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Divided by commas, such as public, manuals. A bot or a question can be kept to tags."
        ),
    )

    class Meta:
        model = Source
        fields = (
            "name",
            "description",
            "is_active",
            "refresh_schedule",
            "content",
            "tags",
            "dated_on",
            "is_pinned",
            "weight",
            "visibility",
            "groups",
        )
        labels = {"visibility": _("Answers")}
        help_texts = {
            "content": "",
            "weight": _(
                "From 0.5 to 2. More than 1: what it says comes before others that fit about as well."
            ),
            "dated_on": _("The day that it is as of. Empty: the day it was added."),
        }
        widgets = {
            "name": UnfoldAdminTextInputWidget(),
            "description": UnfoldAdminTextInputWidget(),
            "content": UnfoldAdminTextareaWidget(attrs={"rows": 12}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "weight" in self.fields:
            self.fields["weight"].required = False
        self._explain_address()
        schedule = self.fields.get("refresh_schedule")
        if isinstance(schedule, ScheduleField):
            schedule.explain()
        self.show_rules(self.instance.config)
        if not self.instance._state.adding:
            self.fields["url"].initial = self.instance.config.get("url", "")
            kind = self.instance.source_type
            self.show_config(kind, self.instance.config, _FIELDS.get(kind, ()))

    def _explain_address(self) -> None:
        """Say what is meant: of a new source, of the type that is chosen."""
        if "url" not in self.fields:
            return
        rows = _ADDRESSES.items()
        if self.instance._state.adding:
            template = """<span x-cloak x-show="source_type === '{}'">{}</span>"""
            self.fields["url"].help_text = format_html_join("", template, rows)
        else:
            self.fields["url"].help_text = _ADDRESSES.get(self.instance.source_type, "")

    def clean_weight(self) -> float:
        weight: float | None = self.cleaned_data["weight"]
        return self.instance.weight if weight is None else weight

    @property
    def chosen_type(self) -> str:
        return self.cleaned_data.get("source_type") or self.instance.source_type

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.chosen_type == SourceType.TEXT:
            if "content" in self.fields and not (self.cleaned_data.get("content") or "").strip():
                self.add_error("content", gettext("Enter the text."))
        elif self.chosen_type in (SourceType.URL, SourceType.SITE) and "url" not in self.errors:
            self._clean_url()
        if self.chosen_type in _FIELDS and not self.errors:
            self.clean_config(self.instance, self.chosen_type, _FIELDS[self.chosen_type])
        if self.chosen_type != SourceType.NYXCORE:
            self.check_rules()
            config = self.cleaned_data.get("config", {})
            if config or self.instance._state.adding:
                self.cleaned_data["config"] = self.with_rules(config)
        return self.cleaned_data

    def _clean_url(self) -> None:
        url = (self.cleaned_data.get("url") or "").strip()
        if not url:
            self.add_error("url", gettext("Enter the address."))
            return
        try:
            prepare_config(SourceType.URL, {"url": url}, source_id=self.instance.pk)
        except BadInput as error:
            self.add_error(
                "url", retell(error.detail).replace("config.url", gettext("This address"))
            )
        self.cleaned_data["url"] = url


class NewSourceForm(SourceForm):
    # Not named as the column: unfold takes a posted `dataset` for something of its own.
    shared_dataset = forms.ModelChoiceField(
        label=_("or dataset"),
        queryset=Dataset.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("A shared one, instead of the bot's own."),
    )
    source_type = forms.ChoiceField(
        label=_("What is it?"),
        choices=_CHOICES,
        initial=SourceType.TEXT,
        widget=UnfoldAdminRadioSelectWidget(radio_style=1),
    )
    file = SeveralFilesField(
        label=_("Files"),
        required=False,
        help_text=format_lazy(_("Of these types: {types}."), types=list_uploadable()),
    )

    class Meta(SourceForm.Meta):
        fields: tuple[str, ...] = (  # type: ignore[assignment]
            "bot_profile",
            "source_type",
            "name",
            "description",
            "refresh_schedule",
            "content",
            *STANDING,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = self.fields["bot_profile"].required = False
        shared = Dataset.objects.shared().order_by("name")
        self.fields["shared_dataset"].queryset = shared  # type: ignore[attr-defined]
        self.fields["name"].help_text = gettext(
            "Shown with citations. A text needs one; else empty: the file's name, or the address."
        )

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not (self.cleaned_data.get("bot_profile") or self.cleaned_data.get("shared_dataset")):
            self.add_error("bot_profile", gettext("Choose a bot, or a shared dataset."))
        if self.chosen_type == SourceType.UPLOAD:
            self._clean_file()
        elif self.chosen_type in (SourceType.URL, SourceType.SITE) and not self.cleaned_data.get(
            "name"
        ):
            self.cleaned_data["name"] = (self.cleaned_data.get("url") or "")[:255]
        elif self.chosen_type in _FIELDS and not self.cleaned_data.get("name"):
            self.cleaned_data["name"] = self._name_after_its_kind()
        elif self.chosen_type == SourceType.TEXT and not self.cleaned_data.get("name"):
            self.add_error("name", gettext("Give the text a name."))
        self.instance.name = self.cleaned_data.get("name") or "?"
        return self.cleaned_data

    def _name_after_its_kind(self) -> str:
        if self.chosen_type == SourceType.NYXCORE:
            return "nyxCore"
        config = self.cleaned_data.get("config", {})
        said = (config.get(name) for name in ("url", "bucket", "folder"))
        return next((str(name) for name in said if name), CONNECTORS[self.chosen_type].name)[:255]

    def _clean_file(self) -> None:
        """Read each file once, as the upload over `/v1` does. Those that are refused keep no other one out."""
        if not self.cleaned_data.get("file"):
            if "file" not in self.errors:
                self.add_error("file", gettext("Choose a file."))
            return
        read, refused = read_files(self.cleaned_data["file"])
        self.cleaned_data.update(files=read, refused=refused)
        if not read:
            self.add_error("file", refused)
        elif not self.cleaned_data.get("name"):
            self.cleaned_data["name"] = read[0].name
