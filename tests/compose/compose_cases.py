"""The cases of the corpus: Compose files, each with how both programs are called on it.

A case is one file, or a directory for those of several files. Comments at the head of a file, or files of a directory,
say more:
    # args: OPTIONS       args        global options, before `config`
    # services: NAME...   services    services, after it
    # env: NAME=VALUE     env         a variable of the environment
                          stdin       standard input
                          directory   where to stand in the directory
"""

import functools
import os
import shlex
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

HERE = Path(__file__).parent
POOL = ThreadPoolExecutor(os.cpu_count())


@dataclass(eq=False)
class Case:
    source: Path
    directory: Path
    options: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    stdin: str = ""

    def run(self, program: list[str], *arguments: str) -> subprocess.CompletedProcess:
        env = {"HOME": "/root", "PATH": os.environ["PATH"], **self.env}
        command = [*program, *self.options, "config", *arguments, *self.services]
        return subprocess.run(command, cwd=self.directory, env=env, input=self.stdin, capture_output=True, text=True)

    @functools.cache
    def start(self, program: tuple[str, ...], *arguments: str) -> "Future[subprocess.CompletedProcess]":
        """The same, side by side with others, and once for all who ask."""
        return POOL.submit(self.run, list(program), *arguments)

    @functools.cached_property
    def of_all_services(self) -> "Case":
        return replace(self, services=[])

    def mentions(self, word: str) -> bool:
        files = [self.source] if self.source.is_file() else self.source.rglob("*")
        return any(word in path.read_text() for path in files if path.is_file())


def add_line(case: Case, key: str, value: str) -> None:
    if key == "args":
        case.options += shlex.split(value)
    elif key == "services":
        case.services += value.split()
    elif key == "env":
        name, _, text = value.partition("=")
        case.env[name] = text


def case_of_file(path: Path) -> Case:
    case = Case(path, path.parent)
    for line in path.read_text().splitlines():
        if not line.startswith("# ") or ": " not in line:
            break
        add_line(case, *line[2:].split(": ", 1))
    named = {"-p", "--project-name"} & set(case.options) or "COMPOSE_PROJECT_NAME" in case.env
    named = named or any(line.startswith(("name:", '{"name"')) for line in path.read_text().splitlines())
    case.options = ["-f", path.name, *([] if named else ["-p", path.stem.lower()]), *case.options]
    return case


def case_of_directory(path: Path) -> Case:
    def text(name: str) -> str:
        return (path / name).read_text() if (path / name).is_file() else ""

    case = Case(path, path / (text("directory").strip() or "."), stdin=text("stdin"))
    for key in ("args", "services", "env"):
        for line in text(key).splitlines():
            add_line(case, key, line)
    return case


def cases(folder: str) -> dict[str, Case]:
    paths = sorted((HERE / folder).iterdir())
    return {path.stem: case_of_directory(path) if path.is_dir() else case_of_file(path) for path in paths}
