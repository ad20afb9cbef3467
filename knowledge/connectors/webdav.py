"""A folder of a WebDAV server such as Nextcloud or ownCloud: listed level by level with PROPFIND."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from knowledge.connectors.asking import (
    LARGEST_LIST,
    ask,
    check_address,
    name_basic,
    read_xml,
    refusal,
)
from knowledge.connectors.items import (
    START,
    Connector,
    Item,
    ItemGone,
    Listing,
    read_size,
)
from knowledge.connectors.limits import check_limits, check_text, invalid, read_limits
from knowledge.indexing.loading import IngestionError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

WEBDAV_KEYS: Final = frozenset({"url", "user", "password"})
_WANTED: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop><d:resourcetype/><d:getetag/>'
    b"<d:getcontentlength/><d:getlastmodified/></d:prop></d:propfind>"
)
_DAV: Final = "{DAV:}"
_PASSWORD: Final = re.compile(r"[^\x00-\x1f\x7f]{1,512}")


def check_webdav(config: dict[str, Any]) -> None:
    """Vet the config of a source of this type. Raises BadInput."""
    check_limits(config)
    check_address(config, needed="the folder's WebDAV address")
    if ":" in check_text(config, "user", 255):
        raise invalid("config.user must be a name without a colon.")
    password = check_text(config, "password", 512)
    if password and not _PASSWORD.fullmatch(password):
        raise invalid("config.password is not one: 1 to 512 characters.")


class Cloud(Connector):
    """The files below an address. Their version is their ETag, or else when they were changed and how long they are."""

    def __init__(self, config: dict[str, Any], secret: str) -> None:
        self._folder = read_limits(config).folder
        self._base = str(config["url"]).rstrip("/") + "/"
        self._headers = name_basic(str(config.get("user") or ""), secret)

    def list_items(self, at: str) -> Listing:
        here = self._folder if at == START else at
        url = self.find_link(here)
        fetched = ask(
            url, {**self._headers, "Depth": "1", "Content-Type": "application/xml"}, method="PROPFIND",
            content=_WANTED, largest=LARGEST_LIST, seconds=self.seconds,
        )  # fmt: skip
        if fetched.status != 207:
            error = refusal(fetched.status)
            if isinstance(error, ItemGone):
                raise IngestionError("folder_missing", "There is no such folder on the server.")
            if 200 <= fetched.status < 300 or fetched.status == 405:
                raise IngestionError("bad_response", "The server does not speak WebDAV here.")
            raise error
        return self._read_list(read_xml(fetched.body), here, url)

    def fetch(self, key: str, *, largest: int) -> bytes:
        fetched = ask(self.find_link(key), self._headers, largest=largest, seconds=self.seconds)
        if fetched.status != 200:
            raise refusal(fetched.status)
        return fetched.body

    def find_link(self, key: str) -> str:
        return self._base + quote(key)

    def _read_list(self, root: Element, here: str, url: str) -> Listing:
        items: list[Item] = []
        lists: list[str] = []
        base = unquote(urlsplit(self._base).path)
        for answer in root.iter(f"{_DAV}response"):
            try:
                found = urljoin(url, (answer.findtext(f"{_DAV}href") or "").strip())
                path = unquote(urlsplit(found).path)
            except ValueError:  # no address
                continue
            key = path.removeprefix(base)
            # What is not right below is none of this list, whatever the server says.
            name = key.removeprefix(here).rstrip("/")
            if not path.startswith(base + here) or not name or "/" in name or name in (".", ".."):
                continue
            properties = _properties_of(answer)
            if properties.find(f"{_DAV}resourcetype/{_DAV}collection") is not None:
                lists.append(f"{here}{name}/")
                continue
            size = (properties.findtext(f"{_DAV}getcontentlength") or "").strip()
            changed = (properties.findtext(f"{_DAV}getlastmodified") or "").strip()
            version = (properties.findtext(f"{_DAV}getetag") or "").strip().removeprefix("W/")
            version = version.strip('"') or (f"{changed} {size}" if changed else "")
            items.append(Item(f"{here}{name}", version, read_size(size)))
        return Listing(tuple(items), tuple(lists))


def _properties_of(answer: Element) -> Element:
    """What the server knows of it: of its parts the one with status 200."""
    for part in answer.findall(f"{_DAV}propstat"):
        properties = part.find(f"{_DAV}prop")
        if properties is not None and " 200" in (part.findtext(f"{_DAV}status") or " 200"):
            return properties
    return answer
