#!/usr/bin/env python
"""Django's command-line entry point."""

import os
import sys

from django.core.management import execute_from_command_line

from minirag.local.supervision.installation import adopt_installation

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
    if sys.argv[1:2] != ["up"]:  # which makes its own servers
        adopt_installation()
    execute_from_command_line(sys.argv)
