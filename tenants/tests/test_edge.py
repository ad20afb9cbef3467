"""What the edge believes of a request, and what it tells whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from django.conf import settings

READ = (
    "import json; from django.conf import settings;"
    "print(json.dumps([settings.USE_X_FORWARDED_HOST, settings.SECURE_PROXY_SSL_HEADER]))"
)


def test_a_trusted_proxy_says_how_we_were_reached_and_never_as_which_host():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "minirag.settings", "TRUST_PROXY_HEADERS": "True"}
    done = subprocess.run([sys.executable, "-c", READ], env=environment, cwd=settings.BASE_DIR, capture_output=True)
    assert json.loads(done.stdout) == [False, ["HTTP_X_FORWARDED_PROTO", "https"]]
