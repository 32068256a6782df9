"""Which version this source tree is: VERSION, and how far beyond its tag, in the form of `git describe`."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

from .run import REPO, BuildError, run


@dataclass(frozen=True)
class Version:
    text: str  # 0.1.0, 0.1.0-57-g1a2b3c4d5e6f, with .dirty at the end when files differ from the commit
    commit: str  # empty outside a git repository, as is the next
    committed: str  # when, RFC 3339

    def guid(self, name: str) -> str:
        """A GUID that is the same for the same version, for what a disk format wants to be unique."""
        digest = bytearray(hashlib.sha256(f"diatom {self.text} {name}".encode()).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x80  # version 8: made of a hash
        digest[8] = digest[8] & 0x3F | 0x80
        return str(uuid.UUID(bytes=bytes(digest)))


def git(*args: str) -> str:
    return run("git", "-c", f"safe.directory={REPO}", "-C", REPO, *args).strip()


def read_version() -> Version:
    base = (REPO / "VERSION").read_text().strip()
    if not re.fullmatch(r"\d+\.\d+\.\d+", base):
        raise BuildError(f"VERSION holds {base!r}: write three numbers, such as 0.1.0")
    if not (REPO / ".git").exists():
        return Version(base, "", "")
    commit, committed = git("log", "-1", "--format=%H %cI").split()
    dirty = ".dirty" if git("status", "--porcelain", "--untracked-files=no") else ""
    if git("tag", "--points-at", "HEAD", "--list", f"v{base}") and not dirty:
        return Version(base, commit, committed)
    try:
        count = git("rev-list", "--count", f"v{base}..HEAD")
    except BuildError:
        count = git("rev-list", "--count", "HEAD")
    return Version(f"{base}-{count}-g{commit[:12]}{dirty}", commit, committed)
