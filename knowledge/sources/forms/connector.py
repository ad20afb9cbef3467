"""The part of the source's form that is for connectors: where the files are, and how many of them are taken."""

from __future__ import annotations

from typing import Final

from django import forms
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


def _secret(label: str, hint: str = "", longest: int = 512) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=longest,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=f"{hint} Kept encrypted and never shown. Empty: the stored one stays.".strip(),
    )  # fmt: skip


class ConnectorFields(ConfiguredFields):
    """A stored secret is never shown; an empty field keeps it."""

    branch = forms.CharField(
        label="Branch", required=False, max_length=200, widget=UnfoldAdminTextInputWidget,
        help_text="A branch or tag. Empty: the main one (of Gitea: main).",
    )  # fmt: skip
    server = forms.ChoiceField(
        label="Kind of server", required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", "As its address says"), *((key, row.name) for key, row in SERVERS.items())],
    )  # fmt: skip
    token = _secret(
        "Access token", "Only where the repository is not public; one that may read is enough."
    )
    bucket = forms.CharField(
        label="Bucket", required=False, max_length=63, widget=UnfoldAdminTextInputWidget
    )
    region = forms.CharField(
        label="Region", required=False, max_length=40, widget=UnfoldAdminTextInputWidget,
        help_text=f"Such as eu-central-1. Empty: {DEFAULT_REGION}.",
    )  # fmt: skip
    path_style = forms.NullBooleanField(
        label="Bucket's name in the path", required=False,
        widget=UnfoldAdminSelectWidget(choices=[("", "As usual"), ("True", "Yes"), ("False", "No")]),
        help_text="Usual is yes for MinIO and others with an address of their own, no for AWS.",
    )  # fmt: skip
    access_key = forms.CharField(
        label="Access key", required=False, max_length=128,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Its id. Empty: the bucket is public.",
    )  # fmt: skip
    secret_key = _secret("Secret key")
    session_token = _secret(
        "Session token",
        "Only with keys that were made for some hours; enter it together with the secret key.",
        4096,
    )
    user = forms.CharField(
        label="User", required=False, max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    password = _secret(
        "App password", "One that is made for this in the cloud's security settings."
    )
    folder = forms.CharField(
        label="Only this folder", required=False, max_length=LONGEST_KEY, widget=UnfoldAdminTextInputWidget,
        help_text="Such as manuals/2026. Empty: all there is.",
    )  # fmt: skip
    max_files = forms.IntegerField(
        label="Files at most", required=False, min_value=1, max_value=MOST_FILES,
        widget=UnfoldAdminIntegerFieldWidget, help_text=f"1 to {MOST_FILES}; empty: 1000.",
    )  # fmt: skip
    link_base = forms.CharField(
        label="Address for readers", required=False, max_length=LONGEST_KEY, widget=UnfoldAdminTextInputWidget,
        help_text="Where readers find the files, such as https://files.example.com/: citations lead there, with the "
        "file's path behind it.",
    )  # fmt: skip
