"""Libraries that load others where they find them, for what nothing of ours uses: here they do not find them.

That is a tenth of what each process loads. Whoever else asks for what is hidden from one of them gets it, and so does
this one where it was loaded before.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Final

_HIDDEN_FROM: Final = {
    "httpcore": ("h2",),  # HTTP/2
    "httpx": ("httpx._main",),  # its command line, with rich and pygments
    "kombu.serialization": ("yaml",),
    "redis": ("opentelemetry",),  # metrics of its connections
    "rest_framework.compat": ("markdown", "pygments", "requests", "yaml"),
    "structlog": ("rich", "twisted"),  # tracebacks with values in them; logs of Twisted's
}


def hide_extras() -> None:
    """From now on, of what is loaded after it."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


class _Here(threading.local):
    hidden: tuple[str, ...] = ()
    """From what this thread loads; another one may load the same meanwhile, and finds it."""


_here = _Here()


class _Finder:
    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in _here.hidden:
            raise ModuleNotFoundError(f"{name} is hidden here.", name=name)
        if name not in _HIDDEN_FROM:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        before = _here.hidden
        _here.hidden = before + _HIDDEN_FROM[module.__name__]
        try:
            super().exec_module(module)
        finally:
            _here.hidden = before
