"""Why a server of S3's kind says no, by the code that it names, in a sentence for people."""

from __future__ import annotations

from typing import Final

from minirag.lib.telling.kept_sentences import kept

S3_REFUSALS: Final = {
    "InvalidAccessKeyId": ("credentials_refused", kept("There is no such access key.")),
    "SignatureDoesNotMatch": ("credentials_refused", kept("The secret key does not belong to the access key.")),
    "ExpiredToken": ("credentials_refused", kept("The session token has expired: enter new keys.")),
    "InvalidToken": ("credentials_refused", kept("The session token does not belong to the access key.")),
    "NoSuchBucket": ("bucket_missing", kept("There is no bucket of this name on the server.")),
    "PermanentRedirect": ("wrong_region", kept("The bucket is in another region, or has another address.")),
    "TemporaryRedirect": ("wrong_region", kept("The bucket is in another region, or has another address.")),
    "AuthorizationHeaderMalformed": ("wrong_region", kept("The bucket is in another region.")),
    "RequestTimeTooSkewed": ("clock_differs", kept("The server's clock and ours differ by more than it allows.")),
    "InvalidObjectState": ("archived", kept("It is archived and has to be brought back first.")),
}  # fmt: skip
