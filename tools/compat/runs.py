"""What the machine tests asked of the clients: their record, read by what the clients offer."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .offer import Command, Flag


@dataclass(frozen=True)
class Run:
    """A command that a test has run: each flag's values ("" for a flag without), by the command that the flag is of."""

    test: str
    arguments: tuple[str, ...]
    code: int
    said: str
    command: str
    flags: dict[tuple[str, str], list[str]]

    @property
    def succeeded(self) -> bool:
        return self.code == 0


@dataclass
class Reader:
    """Walks down the tree with the words of a command line, as the client's own parser does."""

    root: Command
    path: list[Command] = field(default_factory=list)
    flags: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def read(self, words: list[str]) -> Command:
        self.path = [self.root]
        rest = iter(words)
        for word in rest:
            if word == "--":
                break
            if word.startswith("--"):
                self.long(word[2:], rest)
            elif word.startswith("-") and word != "-":
                self.short(word[1:], rest)
            elif word in self.path[-1].children:
                self.path.append(self.path[-1].children[word])
            elif self.path[-1].ends_flags:
                break
        return self.path[-1]

    def long(self, word: str, rest: Iterator[str]) -> None:
        name, given, value = word.partition("=")
        for command in reversed(self.path):
            if flag := command.flags.get(name):
                return self.add(command, flag, value if given else next(rest, "") if flag.takes_value else "")

    def short(self, letters: str, rest: Iterator[str]) -> None:
        while letters:
            letter, letters = letters[0], letters[1:]
            command, flag = self.by_letter(letter)
            if flag is None:
                return
            if letters.startswith("=") or flag.takes_value:
                return self.add(command, flag, letters.removeprefix("=") or next(rest, ""))
            self.add(command, flag, "")

    def by_letter(self, letter: str) -> tuple[Command, Flag | None]:
        for command in reversed(self.path):
            for flag in command.flags.values():
                if flag.short == letter:
                    return command, flag
        return self.path[-1], None

    def add(self, command: Command, flag: Flag, value: str) -> None:
        self.flags[command.name, flag.long].append(value)


def read_runs(folder: Path, offers: dict[str, Command]) -> list[Run]:
    """The runs that are recorded, one file for each file of tests."""
    runs = []
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            reader = Reader(offers[entry["suite"]])
            command = reader.read(entry["arguments"])
            runs.append(Run(entry["test"], tuple(entry["arguments"]), entry["code"], entry["said"], command.name, dict(reader.flags)))
    return runs
