"""A bucket of S3 or of what speaks as it does, by django-storages: `s3://NAME` or `s3://NAME/FOLDER`.

The server and the keys are the operator's own settings (S3_ENDPOINT, S3_ACCESS_KEY, …), as the database's are, so
nothing here goes through the guard that tenants' addresses do. Without a key boto3 takes what the machine has been
given, as a role of its own. Neither keys nor what the server says stand in any error.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

from django.conf import settings

from minirag.lib.files.keeping import PIECE, FileMissing, FilesFailed, KeptFiles
from minirag.lib.files.refusals import S3_REFUSALS
from minirag.lib.telling.kept_sentences import kept

SCHEME: Final = "s3://"
_ADDRESS: Final = re.compile(
    r"s3://([A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9])((?:/[\w.=-]+)*)/?", re.ASCII
)
_PART: Final = 32 * 1024 * 1024
"""Of an upload, which has 10,000 of them at most; two are in memory at once."""
_TRIES: Final = 4
_PAUSE_SECONDS: Final = 0.5
_SAID: Final = {code: sentence for code, (_, sentence) in S3_REFUSALS.items()} | {
    "AccessDenied": kept("The key may not do this in the bucket."),
    "403": kept("The key may not do this in the bucket, or is wrong."),
    "404": S3_REFUSALS["NoSuchBucket"][1],
    "301": S3_REFUSALS["PermanentRedirect"][1],
    "400": kept("The server refused it: is S3_REGION that of the bucket?"),
}
_PASSING: Final = frozenset(
    {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "500", "503"}
)
_GONE: Final = frozenset({"NoSuchKey", "404"})


def is_bucket(address: object) -> bool:
    """Whether it is a bucket's address and no path."""
    return str(address).startswith(SCHEME)


class BucketFiles(KeptFiles):
    """Raises FilesFailed where the address is none."""

    def __init__(self, address: str) -> None:
        found = _ADDRESS.fullmatch(address)
        if not found or ".." in address:
            raise FilesFailed("The bucket's address has to be s3://NAME or s3://NAME/FOLDER.")
        self.address = address.rstrip("/")
        self._name, self._folder = found[1], found[2].strip("/")

    @cached_property
    def _storage(self) -> Any:
        from botocore.config import Config
        from storages.backends.s3 import S3Storage

        # Checksums that only AWS knows are left to AWS; others refuse them.
        config = Config(
            connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": _TRIES},
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
            s3={"addressing_style": "path" if settings.S3_PATH_STYLE else "auto"},
        )  # fmt: skip
        return S3Storage(
            bucket_name=self._name, location=self._folder, client_config=config, transfer_config=_transfer(),
            endpoint_url=settings.S3_ENDPOINT or None, region_name=settings.S3_REGION or None,
            access_key=settings.S3_ACCESS_KEY or None, secret_key=settings.S3_SECRET_KEY or None,
            security_token=None, default_acl=None, gzip=False,
        )  # fmt: skip

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        with _local_file() as file:
            yield file
            file.seek(0)
            self.upload(name, file)

    def upload(self, name: str, source: Any) -> None:
        """Keep what `source.read(size)` gives to its end. What it raises leaves nothing there."""
        with said_plainly():
            target = self._object(name)
            target.upload_fileobj(_Unclosed(source), Config=_transfer())

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        with _local_file() as file:
            for piece in self.pieces(name):
                file.write(piece)
            file.seek(0)
            yield file

    def pieces(self, name: str) -> Iterator[bytes]:
        """Goes on from where a cut line has left it, if the object is still the same one."""
        at, total, version, failures = 0, -1, "", 0
        while at != total:
            asked = {"Range": f"bytes={at}-", "IfMatch": version} if at else {}
            try:
                with said_plainly(missing=name):
                    got = self._object(name).get(**asked)
                    version = got["ETag"]
                    total = at + got["ContentLength"] if total < 0 else total
                    with closing(got["Body"]) as body:
                        for piece in body.iter_chunks(PIECE):
                            at, failures = at + len(piece), 0
                            yield piece
                if at != total:
                    raise FilesFailed("The connection to the bucket broke off.", retryable=True)
            except FilesFailed as error:
                failures += 1
                if not error.retryable or failures >= _TRIES:
                    raise
                time.sleep(_PAUSE_SECONDS * failures)

    def size(self, name: str) -> int | None:
        """By a list: to a question for one file a server would not say why it refuses it."""
        with said_plainly():
            key = self._object(name).key
            first = next(iter(self._storage.bucket.objects.filter(Prefix=key).limit(1)), None)
            return int(first.size) if first is not None and first.key == key else None

    def remove(self, name: str) -> None:
        with suppress(FileMissing), said_plainly(missing=name):
            self._object(name).delete()

    def names(self, folder: str) -> list[str]:
        return [name for name, _ in self._list(folder)]

    def sizes(self, folder: str) -> list[int]:
        return [size for _, size in self._list(folder)]

    def remove_folder(self, folder: str) -> None:
        for name in self.names(folder):
            self.remove(name)

    def check(self) -> str:
        name = f"check-{time.time_ns()}"
        try:
            with self.writing(name) as file:
                file.write(b"can be written")
            if b"".join(self.pieces(name)) != b"can be written":
                raise FilesFailed("The bucket does not give back what was written.")
        finally:
            with suppress(FilesFailed):
                self.remove(name)
        return self.address

    def _list(self, folder: str) -> list[tuple[str, int]]:
        start = f"{self._folder}/" if self._folder else ""
        prefix = start + (f"{folder.strip('/')}/" if folder else "")
        with said_plainly():
            found = self._storage.bucket.objects.filter(Prefix=prefix)
            return sorted((each.key.removeprefix(start), each.size) for each in found)

    def _object(self, name: str) -> Any:
        # The storage keeps a client for each thread, and only what it was first asked by for its bucket.
        key = f"{self._folder}/{name}" if self._folder else name
        return self._storage.connection.Object(self._name, key)


class _Unclosed:
    """What boto3 would close when it has read it to its end."""

    def __init__(self, source: Any) -> None:
        self.read = source.read


@contextmanager
def said_plainly(*, missing: str = "") -> Iterator[None]:
    """Turn what boto3 raises into FilesFailed; `missing`: a file that may be gone raises FileMissing."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if missing and code in _GONE:
            raise FileMissing("The file is not there any more.") from None
        sentence = _SAID.get(code, kept("The server refused it."))
        raise FilesFailed(f"The bucket cannot be used: {sentence}", retryable=code in _PASSING) from None  # fmt: skip
    except NoCredentialsError:
        raise FilesFailed("The bucket cannot be used: set S3_ACCESS_KEY and S3_SECRET_KEY.") from None  # fmt: skip
    except (BotoCoreError, Boto3Error, OSError, ValueError):  # ValueError: an address that is none
        raise FilesFailed(
            "The bucket's server cannot be reached, or the line broke off.", retryable=True
        ) from None


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, use_threads=False)


@contextmanager
def _local_file() -> Iterator[BinaryIO]:
    """A file of ours without a name, which is gone with the process."""
    folder = Path(settings.DATA_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        yield file
