"""docs/compatibility.yml: what is to be said of commands and flags that do not plainly work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from .offer import Offered

WORKS, DIFFERS, REFUSED, AS_DOCKER, CLIENT = "works", "differs", "refused", "as Docker", "client"
KINDS = (WORKS, DIFFERS, REFUSED, AS_DOCKER, CLIENT)


class Mistake(ValueError):
    """The file says what cannot be true of any run."""


@dataclass(frozen=True)
class Verdict:
    kind: str
    text: str
    says: str  # of what is refused: words of the error


@dataclass(frozen=True)
class Subject:
    """A flag (by its long name), or one value of it: the whole, one of those between its commas, or how it begins."""

    flag: str
    value: str = ""

    def __str__(self) -> str:
        return f"--{self.flag}" + (f" {self.value}" if self.value else "")

    def among(self, values: Iterable[str]) -> bool:
        return any(not self.value or value.startswith(self.value) or self.value in value.split(",") for value in values)


@dataclass
class Block:
    """What the file says of some commands at once."""

    commands: list[Offered]
    whole: Verdict | None = None
    flags: list[tuple[list[Subject], Verdict]] = field(default_factory=list)


def verdict_of(where: str, entry: dict) -> Verdict:
    kinds = [kind for kind in KINDS if kind in entry]
    unknown = set(entry) - set(KINDS) - {"says"}
    if len(kinds) != 1 or unknown:
        raise Mistake(f"{where}: one of {', '.join(KINDS)} is needed, and 'says' beside 'refused' (found: {', '.join(map(str, entry))})")
    if (kinds[0] == REFUSED) != ("says" in entry):
        raise Mistake(f"{where}: 'says', words of the error, stands beside 'refused' and nowhere else")
    return Verdict(kinds[0], entry[kinds[0]] or "", entry.get("says", ""))


def by_name(offered: Iterable[Offered]) -> dict[str, list[Offered]]:
    """Commands by each of their names, and those of a group by the group's. `docker compose` has flags of its own: its
    name is that of what stands before the command."""
    found: dict[str, list[Offered]] = {}
    for command in offered:
        for name in command.names:
            found[name] = [command]
    for command in offered:
        words = command.names[0].split()
        for end in range(2, len(words)):
            group = " ".join(words[:end])
            if not any(group in one.names for one in found.get(group, [])):
                found.setdefault(group, []).append(command)
    return found


def blocks(document: dict, named: dict[str, list[Offered]]) -> Iterator[Block]:
    for key, entry in document.items():
        block = Block([])
        for name in key.split(", "):
            if name not in named:
                raise Mistake(f"{key}: the clients have no command '{name}'")
            block.commands += named[name]
        whole = {word: value for word, value in entry.items() if not word.startswith("--")}
        block.whole = verdict_of(key, whole) if whole else None
        for flags, said in entry.items():
            if flags.startswith("--"):
                block.flags.append((list(subjects(key, flags, block.commands)), verdict_of(f"{key} {flags}", said)))
        yield block


def subjects(key: str, flags: str, those: list[Offered]) -> Iterator[Subject]:
    for word in flags.split(", "):
        name, _, value = word.removeprefix("--").partition(" ")
        if not any(name in command.flags for command in those):
            raise Mistake(f"{key}: the clients have no flag '--{name}' there")
        yield Subject(name, value)


def read_verdicts(file: Path, offered: Iterable[Offered]) -> list[Block]:
    found = list(blocks(yaml.safe_load(file.read_text()), by_name(offered)))
    seen: set[str] = set()
    for block in found:
        if twice := seen & {command.name for command in block.commands}:
            raise Mistake(f"{min(twice)} stands there twice")
        seen |= {command.name for command in block.commands}
    return found
