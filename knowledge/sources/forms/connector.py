"""The part of the source's form that is for connectors: where the files are, and how many of them are taken."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from knowledge.connectors.git import SERVERS
from knowledge.connectors.limits import LONGEST_KEY, MOST_FILES
from knowledge.connectors.s3 import DEFAULT_REGION
from knowledge.models import SourceType
from knowledge.sources.forms.configured import ConfiguredFields

CHOOSING: Final = (
    "folder",
    "include",
    "exclude",
    "languages",
    "max_files",
    "max_loss",
    "link_base",
)
CONNECTOR_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    SourceType.FOLDER.value: CHOOSING,
    SourceType.GIT.value: ("url", "branch", "server", "token", *CHOOSING),
    SourceType.S3.value: (
        "url",
        "bucket",
        "region",
        "path_style",
        "access_key",
        "secret_key",
        "session_token",
        *CHOOSING,
    ),
    SourceType.WEBDAV.value: ("url", "user", "password", *CHOOSING),
}
"""The fields of each connector in their order; some are the site's as well."""


def _secret(label: Any, hint: Any = "", longest: int = 512) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=longest,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=format_lazy(
            "{} {}", hint, _("Kept encrypted and never shown. Empty: the stored one stays.")
        ),
    )


class ConnectorFields(ConfiguredFields):
    """A stored secret is never shown; an empty field keeps it."""

    branch = forms.CharField(
        label=_("Branch"), required=False, max_length=200, widget=UnfoldAdminTextInputWidget,
        help_text=_("A branch or tag. Empty: the main one (of Gitea: main)."),
    )  # fmt: skip
    server = forms.ChoiceField(
        label=_("Kind of server"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", _("As its address says")), *((key, row.name) for key, row in SERVERS.items())],
    )  # fmt: skip
    token = _secret(
        _("Access token"),
        _("Only where the repository is not public; one that may read is enough."),
    )
    bucket = forms.CharField(
        label=_("Bucket"), required=False, max_length=63, widget=UnfoldAdminTextInputWidget
    )
    region = forms.CharField(
        label=_("Region"), required=False, max_length=40, widget=UnfoldAdminTextInputWidget,
        help_text=format_lazy(_("Such as eu-central-1. Empty: {default_region}."), default_region=DEFAULT_REGION),
    )  # fmt: skip
    path_style = forms.NullBooleanField(
        label=_("Bucket's name in the path"), required=False,
        widget=UnfoldAdminSelectWidget(choices=[("", _("As usual")), ("True", _("Yes")), ("False", _("No"))]),
        help_text=_("Usual is yes for MinIO and others with an address of their own, no for AWS."),
    )  # fmt: skip
    access_key = forms.CharField(
        label=_("Access key"), required=False, max_length=128,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Its id. Empty: the bucket is public."),
    )  # fmt: skip
    secret_key = _secret(_("Secret key"))
    session_token = _secret(
        _("Session token"),
        _("Only with keys that were made for some hours; enter it together with the secret key."),
        4096,
    )
    user = forms.CharField(
        label=_("User"), required=False, max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    password = _secret(
        _("App password"), _("One that is made for this in the cloud's security settings.")
    )
    folder = forms.CharField(
        label=_("Only this folder"), required=False, max_length=LONGEST_KEY, widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as manuals/2026. Empty: all there is."),
    )  # fmt: skip
    max_files = forms.IntegerField(
        label=_("Files at most"),
        required=False,
        min_value=1,
        max_value=MOST_FILES,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=format_lazy(_("1 to {most_files}; empty: 1000."), most_files=MOST_FILES),
    )
    link_base = forms.CharField(
        label=_("Address for readers"), required=False, max_length=LONGEST_KEY, widget=UnfoldAdminTextInputWidget,
        help_text=_("Where readers find the files, such as https://files.example.com/: citations lead there, with the "
        "file's path behind it."),
    )  # fmt: skip
