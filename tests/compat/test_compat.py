"""tools/compat on clients and records of the tests' own: what it reads, what it refuses to say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPO / "tools"), str(REPO / "tests/vm")]

from clients import SUITES  # noqa: E402
from compat.check import problems  # noqa: E402
from compat.offer import offer, together, tree  # noqa: E402
from compat.page import tables  # noqa: E402
from compat.runs import Reader, read_runs  # noqa: E402
from compat.verdicts import Mistake, blocks, by_name, read_verdicts  # noqa: E402

HELP = {
    (): """
Usage:  docker [OPTIONS] COMMAND

Management Commands:
  box         Manage boxes

Commands:
  go          Make a box go

Global Options:
  -D, --debug              Enable it
  -H, --host list          Where
""",
    ("box",): """
Usage:  docker box COMMAND

Commands:
  ls          List boxes
  go          Make a box go
""",
    ("box", "ls"): """
Usage:  docker box ls [OPTIONS]

Aliases:
  docker box ls, docker box list

Options:
  -a, --all             All
      --colour string   One of
                        --red, --green
  -q, --quiet           Quiet
      --size uint[=7]   How large
""",
    ("go",): """
Usage:  docker go [OPTIONS] BOX [COMMAND] [ARG...]

Aliases:
  docker box go, docker go

Options:
  -e, --env list                           Variables
  -T, --no-TTY docker compose exec         What the client quotes is no type
  -w, --way string                         Which way
""",
}
HELP["box", "go"] = HELP["go",]


OFFERS = {suite: tree(HELP.__getitem__) for suite in ("trixie", "sid")}
OFFERED = together(OFFERS)


def read(*words: str) -> tuple[str, dict]:
    reader = Reader(OFFERS["trixie"])
    return reader.read(list(words)).name, dict(reader.flags)


def test_help_is_read():
    assert list(OFFERED) == ["docker", "docker box ls", "docker go"]
    assert OFFERED["docker go"].names == ("docker box go", "docker go") and OFFERED["docker go"].group == "docker box"
    assert list(OFFERED["docker box ls"].flags) == ["all", "colour", "quiet", "size"]
    flags = OFFERS["trixie"].children["box"].children["list"].flags
    assert [flags[name].takes_value for name in ("all", "colour", "size")] == [False, True, False]
    assert OFFERS["trixie"].children["go"].ends_flags and not OFFERS["trixie"].children["go"].flags["no-TTY"].takes_value


@pytest.mark.parametrize(
    ("line", "command", "flags"),
    [
        ("box ls -aq", "docker box ls", {("docker box ls", "all"): [""], ("docker box ls", "quiet"): [""]}),
        ("box list --colour red --size", "docker box ls", {("docker box ls", "colour"): ["red"], ("docker box ls", "size"): [""]}),
        ("-DH tcp://x box ls --colour=red", "docker box ls", {("docker", "debug"): [""], ("docker", "host"): ["tcp://x"], ("docker box ls", "colour"): ["red"]}),
        ("go -eA=b -Tw up me -e mine --way", "docker go", {("docker go", "env"): ["A=b"], ("docker go", "no-TTY"): [""], ("docker go", "way"): ["up"]}),
        ("box go me", "docker go", {}),
        ("go -- -e", "docker go", {}),
    ],
)
def test_command_lines_are_read_as_the_client_does(line, command, flags):
    assert read(*line.split()) == (command, flags)


@pytest.fixture
def judge(tmp_path):
    def run(verdicts: dict, *ran: tuple[str, int, str]) -> list[str]:
        lines = [{"test": "test_x", "suite": "sid", "arguments": line.split(), "code": code, "said": said} for line, code, said in ran]
        (tmp_path / "test_x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return problems(OFFERED, list(blocks(verdicts, by_name(OFFERED.values()))), read_runs(tmp_path, OFFERS))

    return run


ALL = [("-D -H x go -e a -T -w up me", 0, ""), ("box ls -a --colour red -q --size", 0, "")]


def test_what_ran_and_succeeded_works(judge):
    assert judge({}, *ALL) == []


def test_what_nobody_ran_or_what_only_failed_is_found(judge):
    assert judge({}, ALL[0]) == ["docker box ls: no test ran it, and no verdict covers it"] + [
        f"docker box ls --{flag}: no test ran it, and no verdict covers it" for flag in ("all", "colour", "quiet", "size")
    ]
    failed = judge({}, ALL[0], ("box ls -a -q --size", 0, ""), ("box ls --colour red", 1, "no"))
    assert failed == ["docker box ls --colour: it only failed (in test_x), and no verdict says so"]


def test_a_refusal_has_a_run_that_says_so_and_none_that_succeeds(judge):
    verdict = {"docker box": {"refused": "there are no boxes", "says": "no boxes"}}
    rest = ("-D -H x box go me", 1, "there are no boxes")
    debug = ("-D -H x nonesuch", 0, "")
    assert judge(verdict, rest, debug, ("box ls", 1, "there are no boxes")) == []
    assert judge(verdict, rest, debug, ("box ls", 1, "what?")) == ["docker box ls is said to be refused, but no test ran it with an error that says 'no boxes'"]
    assert any("but worked in test_x: docker box ls" in one for one in judge(verdict, rest, debug, ("box ls", 1, "there are no boxes"), ("box ls", 0, "")))


def test_values_of_a_flag(judge):
    verdict = {"docker box ls": {"--colour green": {"refused": "not green", "says": "green"}, "--quiet": {"client": ""}}}
    loud = ("box ls -a --colour red --size", 0, "")
    assert judge(verdict, ALL[0], loud, ("box ls --colour green,loud", 1, "green?")) == []
    assert len(judge(verdict, ALL[0], loud, ("box ls --colour green", 0, ""))) == 2


@pytest.mark.parametrize(
    ("verdicts", "why"),
    [
        ({"docker nonesuch": {"client": ""}}, "no command 'docker nonesuch'"),
        ({"docker go": {"--nonesuch": {"client": ""}}}, "no flag '--nonesuch'"),
        ({"docker go": {"--env": {"colour": "red"}}}, "one of works"),
        ({"docker go": {"refused": "no"}}, "'says'"),
        ({"docker go": {"works": "yes", "says": "no"}}, "'says'"),
    ],
)
def test_mistakes_in_the_file_are_named(verdicts, why):
    with pytest.raises(Mistake, match=why):
        list(blocks(verdicts, by_name(OFFERED.values())))


def test_the_tables_say_it(judge):
    verdicts = {"docker go": {"--env": {"differs": "a|b"}}, "docker box ls": {"works": "as ever"}}
    text = tables(OFFERED, list(blocks(verdicts, by_name(OFFERED.values()))))
    assert "| `docker go` (`box go`) | works | `--no-TTY`, `--way` |\n| `--env` | differs | a\\|b |" in text
    assert "| `docker box ls` (`box list`) | works | as ever; `--all`, `--colour`, `--quiet`, `--size` |" in text


def test_the_committed_verdicts_are_about_what_the_clients_have():
    offered = together({suite.name: offer(suite) for suite in SUITES})
    assert len(read_verdicts(REPO / "docs/compatibility.yml", offered.values())) > 20
