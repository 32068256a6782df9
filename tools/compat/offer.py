"""What a suite's clients offer: every command and flag that their own `--help` names."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clients import Suite

# The word after the name is the type of its value. Several words are no type, but what the description quotes.
FLAG = re.compile(r"^ {2,6}(?:-(?P<short>\w), )?--(?P<long>[\w-]+)(?: (?P<type>[^\s\[]+(?: \S+)*?))?(?P<optional>\[=[^]]*\])?(?: {2,}|$)")
COMMAND = re.compile(r"^  (?P<name>[a-z][\w-]*)\*? {2,}\S")
ALWAYS = {"help"}  # every command has it


@dataclass(frozen=True)
class Flag:
    long: str
    short: str | None
    takes_value: bool  # the next word, where it is not given by `=`


@dataclass
class Command:
    """One command by all its names; `docker` itself is one, whose flags go before every other's."""

    names: tuple[str, ...]
    flags: dict[str, Flag] = field(default_factory=dict)
    children: dict[str, "Command"] = field(default_factory=dict)
    ends_flags: bool = False  # the first word that is no flag begins the command of a container

    @property
    def name(self) -> str:
        return min(self.names, key=lambda name: len(name.split()))

    @property
    def group(self) -> str:
        """`docker container` for `docker ps`."""
        words = self.names[0].split()
        return " ".join(words[:2]) if len(words) > 2 or self.children else "docker"


def ask(suite: Suite, words: tuple[str, ...], config: Path) -> str:
    done = subprocess.run(
        [suite.docker, *words, "--help"],
        env={"HOME": str(config), "DOCKER_CONFIG": str(config), "PATH": os.environ["PATH"], "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def parse(words: tuple[str, ...], text: str) -> tuple[Command, list[str]]:
    """A command and the names of those below it."""
    command, below, heading = Command((" ".join(("docker", *words)),)), [], ""
    for line in text.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            heading = line[:-1]
        elif heading == "Aliases" and line.strip():
            command.names = tuple(name.strip() for name in line.split(","))
        elif heading.endswith("Commands") and (found := COMMAND.match(line)):
            below.append(found["name"])
        elif heading.endswith("Options") and (found := FLAG.match(line)) and found["long"] not in ALWAYS:
            one_word = bool(found["type"]) and " " not in found["type"]
            command.flags[found["long"]] = Flag(found["long"], found["short"], one_word and not found["optional"])
    usage = next((line for line in text.splitlines() if line.startswith("Usage:")), "")
    command.ends_flags = bool(re.search(r"\[?COMMAND\]?.*ARGS?\.\.\.|\[ps OPTIONS\]", usage)) and not below
    return command, below


def tree(ask: Callable[[tuple[str, ...]], str], words: tuple[str, ...] = ()) -> Command:
    """A command with all below it, by what it says to `--help`. A flag that the command above has, too, is that one's
    (`docker compose --dry-run`)."""
    command, names = parse(words, ask(words))
    here = " ".join(("docker", *words))
    for name in names:
        child = tree(ask, (*words, name))
        child.flags = {long: flag for long, flag in child.flags.items() if long not in command.flags}
        for alias in (f"{here} {name}", *child.names):
            above, _, last = alias.rpartition(" ")
            if above == here:
                command.children[last] = child
    return command


def offer(suite: Suite) -> Command:
    with tempfile.TemporaryDirectory() as folder:
        config = suite.config(Path(folder))
        return tree(lambda words: ask(suite, words, config))


def commands(root: Command) -> Iterator[Command]:
    """Each command that does something by itself or has flags of its own."""
    if root.flags or not root.children:
        yield root
    for child in {id(child): child for child in root.children.values()}.values():
        yield from commands(child)


@dataclass
class Offered:
    """A command as the suites together offer it: which of them has it, which has each of its flags."""

    names: tuple[str, ...]
    name: str
    group: str
    is_leaf: bool
    suites: set[str] = field(default_factory=set)
    flags: dict[str, set[str]] = field(default_factory=dict)


def together(offers: dict[str, Command]) -> dict[str, Offered]:
    found: dict[str, Offered] = {}
    for suite, root in offers.items():
        for command in commands(root):
            one = found.setdefault(command.name, Offered(command.names, command.name, command.group, not command.children))
            one.suites.add(suite)
            for long in command.flags:
                one.flags.setdefault(long, set()).add(suite)
    return found
