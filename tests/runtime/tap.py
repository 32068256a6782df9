"""What the validation programs of opencontainers/runtime-tools say: the Test Anything Protocol, with JSON between the cases."""

from __future__ import annotations

import json
import re

CASE = re.compile(r"^(not )?ok \d+(?: - (.*))?$")
THE_PROGRAM = "(the program fails)"


def split(text: str) -> tuple[list[tuple[bool, str]], list[tuple[bool, str]]]:
    """(passed, name) of the cases, and (follows a case, text) of what stands between `---` and `...`."""
    cases, notes, note, after_case = [], [], None, False
    for line in text.splitlines():
        if note is not None:
            if line == "  ...":
                notes.append((after_case, "\n".join(note)))
                note, after_case = None, False
            else:
                note.append(line)
        elif line == "  ---":
            note = []
        elif found := CASE.match(line):
            cases.append((found[1] is None, (found[2] or "").removesuffix(" # SKIP")))
            after_case = True
    return cases, notes


def failed_cases(text: str, returncode: int) -> set[str]:
    """The names of the cases that failed. Some programs say of a failure nothing but an error that belongs to no case."""
    cases, notes = split(text)
    failed = {name for passed, name in cases if not passed}
    for after_case, note in notes:
        error = "" if after_case else json.loads(note).get("error", "")
        if error:
            failed.add(error.splitlines()[0])
    if returncode != 0:
        failed.add(THE_PROGRAM)
    return failed
