"""The tables, in the order in which the clients list their commands; the same words for the same run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .offer import Offered
from .verdicts import WORKS, Block, Subject, Verdict

SUITES = {"trixie": "Debian 13", "sid": "sid"}


def code(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def only(suites: set[str]) -> str:
    """Which suite's clients have it, where not all do."""
    return "" if len(suites) == len(SUITES) else f" ({SUITES[next(iter(suites))]})"


def title(command: Offered) -> str:
    others = [name.removeprefix("docker ") for name in command.names if name != command.name]
    return code([command.name]) + (f" ({code(others)})" if others else "") + only(command.suites)


def plain_flags(command: Offered, block: Block) -> str:
    """Those that have no row of their own."""
    judged = {str(subject) for those, _ in block.flags for subject in those if not subject.value}
    flags = [(f"--{long}", suites) for long, suites in sorted(command.flags.items()) if f"--{long}" not in judged]
    return ", ".join(code([flag]) + (only(suites) if suites != command.suites else "") for flag, suites in flags)


def block_rows(block: Block) -> Iterator[str]:
    if block.whole and not block.flags and len(block.commands) > 1:
        yield row(code(command.name for command in block.commands), block.whole.kind, block.whole.text)
        return
    for command in block.commands:
        kind, text = (block.whole.kind, block.whole.text) if block.whole else (WORKS, "")
        flags = plain_flags(command, block) if kind != "refused" else ""
        yield row(title(command), kind, "; ".join(part for part in (text, flags) if part))
    for subjects, verdict in block.flags:
        yield flag_row(subjects, verdict)


def flag_row(subjects: list[Subject], verdict: Verdict) -> str:
    return row(code(subjects), verdict.kind, verdict.text)


def tables(offered: dict[str, Offered], blocks: list[Block]) -> str:
    """A table for each group of commands; a group of which one thing is said has a line at the end."""
    block_of = {command.name: block for block in blocks for command in block.commands}
    groups: dict[str, list[Block]] = {}
    for command in sorted(offered.values(), key=lambda command: (command.group, command.is_leaf, command.name)):
        block = block_of.get(command.name, Block([command]))
        those = groups.setdefault(block.commands[0].group, [])
        if block not in those:
            those.append(block)
    lines, alike = [], []
    for group, those in groups.items():
        if len(those) == 1 and those[0].whole:
            alike += those
            continue
        lines += [f"### `{group}`", "", row("Command, flag", "", ""), "|---|---|---|"]
        lines += [line for block in those for line in block_rows(block)]
        lines.append("")
    if alike:
        lines += ["### Whole groups", "", row("Commands", "", ""), "|---|---|---|"]
        seen: list[Block] = []
        for block in alike:
            if block not in seen:
                seen.append(block)
                lines += block_rows(block)
        lines.append("")
    return "\n".join(lines)
