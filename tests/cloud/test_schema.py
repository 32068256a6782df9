"""Debian's `cloud-init schema` and ours on the same user-data: what the one accepts the other does, but where
differences.yml says why not.

Each file of corpus/ has cases: a line "--- accepted: NAME" or "--- refused: NAME" with cloud-init's verdict, then the
document; without a first line of its own it is a cloud-config, in network_*.yml a network-config.
"""

import contextlib
import io
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

# Debian's command as its own entry: starting Python anew for each of hundreds of documents would take minutes.
main = pytest.importorskip("cloudinit.cmd.main", reason="cloud-init is not installed: Debian's package").main

HERE = Path(__file__).parent
DIATOM = os.environ.get("DIATOM", str(HERE.parents[1] / "build/asan/diatom"))
DIFFERENCES = yaml.safe_load((HERE / "differences.yml").read_text())
MEANT = {case: entry["why"] for entry in DIFFERENCES for case in entry["cases"]}


@dataclass(frozen=True)
class Case:
    id: str
    accepted: bool
    text: str
    kind: str

    def arguments(self, directory: Path) -> list[str]:
        file = directory / (re.sub(r"\W+", "-", self.id) + ".yml")
        # Bytes as they stand: line ends and blanks are a matter of some cases.
        file.write_bytes(self.text.encode())
        return ["cloud-init", "schema", "-c", str(file), "-t", self.kind]


def cases_of(file: Path) -> list[Case]:
    kind = "network-config" if file.stem.startswith("network") else "cloud-config"
    cases = []
    for case in re.split(r"^--- ", file.read_text(), flags=re.MULTILINE)[1:]:
        head, text = case.split("\n", 1)
        verdict, name = head.split(": ", 1)
        assert verdict in ("accepted", "refused"), head
        if kind == "cloud-config" and file.stem != "forms":
            text = "#cloud-config\n" + text
        cases.append(Case(f"{file.stem}/{name}", verdict == "accepted", text, kind))
    return cases


CASES = [case for file in sorted((HERE / "corpus").glob("*.yml")) for case in cases_of(file)]


def theirs(case: Case, directory: Path) -> tuple[bool, str]:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main(case.arguments(directory))
    except SystemExit as end:
        code = end.code
    return not code, said.getvalue()


@pytest.fixture(scope="module")
def ours(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bool, str]]:
    """Of the cases that were chosen, on all processors."""
    directory = tmp_path_factory.mktemp("ours")
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    chosen = [values["case"] for values in parameters if isinstance(values.get("case"), Case)]

    def verdict(case: Case) -> tuple[bool, str]:
        ran = subprocess.run([DIATOM, *case.arguments(directory)], capture_output=True, text=True, timeout=60)
        said = ran.stdout + ran.stderr
        # What cannot be read at all has a code of its own.
        assert ran.returncode in (0, 1, 2), f"{ran.returncode}: {said}"
        return ran.returncode == 0, said

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip((case.id for case in chosen), pool.map(verdict, chosen)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_same_verdict(case: Case, ours: dict, tmp_path: Path) -> None:
    accepted, said = theirs(case, tmp_path)
    assert accepted == case.accepted, f"cloud-init says otherwise than the corpus: {said}"
    our_verdict, our_words = ours[case.id]
    both = f"cloud-init: {said}\nours: {our_words}"
    if case.id in MEANT:
        assert our_verdict != accepted, f"listed in differences.yml, and no difference any more: {both}"
    else:
        assert our_verdict == accepted, both


def test_mistakes_have_their_line(ours: dict) -> None:
    for case, (accepted, said) in ours.items():
        if not accepted:
            assert re.search(r"\.yml:\d+: ", said), f"{case}: {said}"


def test_corpus_is_large() -> None:
    assert len(CASES) >= 400
    assert len({case.id for case in CASES}) == len(CASES)
    assert sum(case.accepted for case in CASES) >= 100


def test_listed_cases_are_there() -> None:
    assert MEANT.keys() <= {case.id for case in CASES}
    assert len(MEANT) == sum(len(entry["cases"]) for entry in DIFFERENCES)


def test_keys_are_all_asked() -> None:
    """Every key that cloud-init's schema has at its top is in the corpus."""
    from cloudinit.config.schema import get_schema

    asked = set()
    for case in CASES:
        if case.kind == "cloud-config" and case.accepted and not case.id.startswith("forms/"):
            asked |= yaml.safe_load(case.text).keys()
    assert get_schema()["properties"].keys() - asked == set()
