#!/usr/bin/env python
"""Django's command-line entry point."""

import os
import sys

from django.core.management import execute_from_command_line

from minirag.local.supervision.installation import adopt_installation
from minirag.management.commands import up

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
    if sys.argv[1:2] == ["up"]:
        # It makes its own servers, and the processes that it starts load the applications: a second that it is spared.
        up.Command().run_from_argv(sys.argv)
    else:
        adopt_installation()
        execute_from_command_line(sys.argv)
