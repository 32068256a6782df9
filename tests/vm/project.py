"""A project on the machine, driven by a suite's `docker compose` on this host."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import clients
from clients import Suite
from conftest import COMMAND_SECONDS
from test_docker import name

TOKEN = "of-the-environment"


class Project:
    def __init__(self, machine, directory: Path, suite: Suite) -> None:
        self.machine, self.name, self.directory, self.suite = machine, name(), directory, suite
        self.file = directory / "compose.yaml"
        self.config = suite.config(directory / "docker-config")

    def write(self, document: dict) -> None:
        self.file.write_text(json.dumps(document))

    @property
    def environment(self) -> dict[str, str]:
        mine = {"TOKEN": TOKEN, "COMPOSE_ANSI": "never", "COMPOSE_MENU": "false", "DOCKER_CONFIG": str(self.config)}
        return os.environ | self.machine.api.environment | mine

    def arguments(self, *args: str) -> list[str]:
        return ["compose", "-p", self.name, "-f", str(self.file), *args]

    def run(self, *args: str, check: bool = True, **options) -> subprocess.CompletedProcess:
        arguments = self.arguments(*args)
        done = subprocess.run(
            [self.suite.docker, *arguments], cwd=self.directory, env=self.environment, capture_output=True, text=True,
            timeout=COMMAND_SECONDS, **options,
        )  # fmt: skip
        clients.record(self.suite, arguments, done.returncode, done.stderr)
        assert not check or done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
        done.stdout = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stdout)  # it clears lines even without a terminal
        return done

    def start(self, *args: str, **options) -> subprocess.Popen:
        """One that goes on until it is ended."""
        arguments = self.arguments(*args)
        clients.record(self.suite, arguments, 0, "")
        return subprocess.Popen([self.suite.docker, *arguments], cwd=self.directory, env=self.environment, text=True, **options)

    def rows(self, *args: str) -> list[dict]:
        return [json.loads(line) for line in self.run("ps", *args, "--format", "json").stdout.splitlines()]

    def states(self) -> dict[str, str]:
        return {row["Name"].removeprefix(self.name + "-"): row["State"] for row in self.rows("-a")}

    def ids(self) -> dict[str, str]:
        return {row["Service"]: row["ID"] for row in self.rows("-a")}

    def close(self) -> None:
        self.run("--profile", "*", "down", "-v", "-t", "0", "--remove-orphans", check=False)


def busybox(*command: str, **more: object) -> dict:
    return {"image": "busybox", "command": list(command), "stop_grace_period": "1s"} | more
