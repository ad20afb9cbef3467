"""Who runs PostgreSQL, which refuses to run as root.

An ordinary user runs it as themselves. Root gives it away, in the first of these ways that reaches both the
program and the data, and no permission of any other directory is ever changed:

1. an unprivileged system user;
2. root's own files seen as somebody else's in a user namespace, for a checkout below a private directory;
3. an unprivileged user that keeps the right to pass private directories, where containers forbid namespaces.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minirag.local.embedded.errors import StartError

_USER_NAMES = ("minirag", "postgres", "nobody")
_NAMESPACE = ("unshare", "--map-user=65534", "--map-group=65534", "--")


@dataclass(frozen=True)
class Identity:
    """How to start a program as somebody who is not root, and who owns its files on disk."""

    owner_uid: int
    owner_gid: int
    prefix: tuple[str, ...] = ()
    changes_user: bool = False

    @property
    def popen_options(self) -> dict[str, Any]:
        """Arguments for `subprocess.Popen` and `run`."""
        if not self.changes_user:
            return {}
        return {"user": self.owner_uid, "group": self.owner_gid, "extra_groups": []}

    def own(self, directory: Path) -> None:
        """Makes `directory` (created when missing) and what is in it this identity's own, private."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() != 0 or directory.stat().st_uid == self.owner_uid:
            return
        for parent, folders, files in os.walk(directory):
            for name in folders + files:
                os.lchown(os.path.join(parent, name), self.owner_uid, self.owner_gid)
        # Last, because its owner is what tells the next start that the work is done.
        os.chown(directory, self.owner_uid, self.owner_gid)


def choose_identity(program: Path, directory: Path) -> Identity:
    """The identity that can run `program` on the files of `directory`, which exists; else StartError."""
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid())
    for candidate in _list_candidates(directory):
        if _reaches(candidate, program, directory):
            return candidate
    raise StartError(
        f"PostgreSQL refuses to run as root, and no other user can reach {program.parent} and {directory} "
        "here: move "
        "the checkout to a directory that everybody may enter, such as /srv, or start it as an ordinary user."
    )


def _list_candidates(directory: Path) -> Iterator[Identity]:
    users: list[tuple[int, int]] = []
    info = directory.stat()
    if info.st_uid != 0:  # an ordinary user's data stays theirs when root starts it once
        users.append((info.st_uid, info.st_gid))
    for name in _USER_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        users.append((entry.pw_uid, entry.pw_gid))
    yield from (Identity(uid, gid, changes_user=True) for uid, gid in users)
    yield Identity(0, 0, prefix=_NAMESPACE)
    yield from (Identity(uid, gid, prefix=_build_setpriv(uid, gid)) for uid, gid in users)


def _build_setpriv(uid: int, gid: int) -> tuple[str, ...]:
    # Without the secure bit, access(2), which PostgreSQL asks too, leaves capabilities out of account.
    keep = (
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    )
    # setpriv changes the user itself, which clears the parent-death signal: it has to set it again.
    return (
        "setpriv",
        f"--reuid={uid}",
        f"--regid={gid}",
        "--clear-groups",
        *keep,
        "--pdeathsig=INT",
        "--",
    )


def _reaches(identity: Identity, program: Path, directory: Path) -> bool:
    """Tried, not computed: access lists, mount options and seccomp filters all have a say."""
    probes = [[str(program), "--version"]]
    if identity.owner_uid in (0, directory.stat().st_uid) or identity.prefix:
        probes.append(["test", "-w", str(directory)])
    else:  # not its owner yet: it is enough that the parents let it pass
        probes.append(["test", "-x", str(directory.parent)])
    return all(_succeeds(identity, probe) for probe in probes)


def _succeeds(identity: Identity, command: list[str]) -> bool:
    try:
        done = subprocess.run(
            [*identity.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            timeout=20,
            check=False,
            **identity.popen_options,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
