"""A bucket of S3 (AWS, MinIO and others that speak as it does), listed a thousand keys at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_plus, urlsplit

from django.utils import timezone

from knowledge.connectors.asking import (
    LARGEST_LIST,
    ask,
    check_address,
    find_server,
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
from knowledge.connectors.signing import encode_key, encode_query, sign_get
from knowledge.indexing.loading import IngestionError
from minirag.lib.files.refusals import S3_REFUSALS

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from minirag.lib.http_out.client import Fetched

S3_KEYS: Final = frozenset({
    "url", "region", "bucket", "path_style", "access_key", "secret_key", "session_token",
})  # fmt: skip
DEFAULT_REGION: Final = "us-east-1"
_AFTER: Final = "?after="
_KEYS_A_LIST: Final = "1000"
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}")
_CREDENTIAL: Final = re.compile(r"[\x21-\x7e]{1,512}")
_SESSION: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_ACCESS_KEY: Final = re.compile(r"[\w.+=@-]{1,128}", re.ASCII)
_SAID: Final = S3_REFUSALS | {
    "AccessDenied": ("access_denied", "The key may not do this: it needs s3:ListBucket and s3:GetObject."),
}  # fmt: skip


def check_s3(config: dict[str, Any]) -> None:
    """Vet the config of a source of this type. Raises BadInput."""
    check_limits(config)
    check_address(config)
    bucket = check_text(config, "bucket", 63, needed="the bucket's name")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise invalid("config.bucket must be the name of a bucket.")
    region = check_text(config, "region", 40)
    if region and not _REGION.fullmatch(region):
        raise invalid("config.region must be one such as eu-central-1.")
    if not isinstance(config.get("path_style", False), bool):
        raise invalid("config.path_style must be true or false.")
    access_key = check_text(config, "access_key", 128)
    if access_key and not _ACCESS_KEY.fullmatch(access_key):
        raise invalid("config.access_key is not one: up to 128 characters without spaces.")
    secret = check_text(config, "secret_key", 512)
    if secret and not _CREDENTIAL.fullmatch(secret):
        raise invalid("config.secret_key is not one: 1 to 512 characters without spaces.")
    session = check_text(config, "session_token", 4096)
    if session and not _SESSION.fullmatch(session):
        raise invalid("config.session_token is not one: 1 to 4096 characters without spaces.")


class Bucket(Connector):
    """The objects of a bucket. Their version is their ETag; without an access key the bucket has to be public."""

    def __init__(self, config: dict[str, Any], secret: str) -> None:
        self._prefix = read_limits(config).folder
        self._region = config.get("region") or DEFAULT_REGION
        self._access_key = str(config.get("access_key") or "")
        self._secret, _, self._session = secret.partition("\n")
        bucket = str(config["bucket"])
        parts = urlsplit(str(config.get("url") or f"https://s3.{self._region}.amazonaws.com"))
        # A certificate for *.s3.… does not hold for a name with dots, and few other servers have names for buckets.
        in_path = config.get("path_style", bool(config.get("url"))) or "." in bucket
        netloc = parts.netloc.lower()
        self._host = netloc if in_path else f"{bucket}.{netloc}"
        self._scheme = parts.scheme
        base = parts.path.rstrip("/")
        self._root = f"{base}/{bucket}/" if in_path else f"{base}/"

    def list_items(self, at: str) -> Listing:
        query = {
            "list-type": "2", "max-keys": _KEYS_A_LIST, "prefix": self._prefix, "encoding-type": "url",
        }  # fmt: skip
        after = at.removeprefix(_AFTER) if at != START else ""
        if after:
            query["start-after"] = after
        fetched = self._get(self._root, query, largest=LARGEST_LIST)
        return _read_list(read_xml(fetched.body), after)

    def fetch(self, key: str, *, largest: int) -> bytes:
        return self._get(self._root + encode_key(key), {}, largest=largest).body

    def find_link(self, key: str) -> str:
        return f"{self._scheme}://{self._host}{self._root}{encode_key(key)}"

    def _get(self, path: str, query: dict[str, str], *, largest: int) -> Fetched:
        said = encode_query(query)
        headers: dict[str, str] = {}
        if self._access_key:
            headers = sign_get(
                host=self._host, path=path, query=said, region=self._region, access_key=self._access_key,
                secret_key=self._secret, at=timezone.now(),
                headers={"x-amz-security-token": self._session} if self._session else None,
            )  # fmt: skip
        url = f"{self._scheme}://{self._host}{path}" + (f"?{said}" if said else "")
        fetched = ask(url, headers, largest=largest, seconds=self.seconds)
        if fetched.status != 200:
            raise _refuse(fetched)
        return fetched


def find_s3_server(config: dict[str, Any]) -> object:
    return find_server(config) or f"aws {config.get('bucket')}"


def _read_list(root: Element, after: str) -> Listing:
    if _local(root) != "ListBucketResult":
        raise IngestionError(
            "bad_response", "The server does not answer as S3 does: is the address right?"
        )
    is_encoded = _text(root, "EncodingType") == "url"
    items, last = [], ""
    for node in root:
        if _local(node) != "Contents":
            continue
        last = unquote_plus(_text(node, "Key")) if is_encoded else _text(node, "Key")
        version = _text(node, "ETag").strip('"') or _text(node, "LastModified")
        if last and not last.endswith("/"):
            items.append(Item(last, version, read_size(_text(node, "Size"))))
    has_more = _text(root, "IsTruncated") == "true"
    if has_more and last.encode() <= after.encode():
        raise IngestionError("bad_response", "The server's list has no end.")
    if has_more and "\0" in last:  # where to go on cannot be kept
        return Listing(tuple(items), is_cut=True)
    return Listing(tuple(items), rest=f"{_AFTER}{last}" if has_more else "")


def _refuse(fetched: Fetched) -> IngestionError:
    """Why the server did not do it: by the code that it names in its answer."""
    try:
        named = _text(read_xml(fetched.body), "Code") if fetched.body else ""
    except IngestionError:
        named = ""
    if named in _SAID:
        return IngestionError(*_SAID[named])
    if named == "NoSuchKey":
        return ItemGone()
    return refusal(fetched.status)


def _local(node: Element) -> str:
    return node.tag.rpartition("}")[2]


def _text(node: Element, name: str) -> str:
    found = next((child for child in node if _local(child) == name), None)
    return (found.text or "").strip("\n\r") if found is not None else ""
