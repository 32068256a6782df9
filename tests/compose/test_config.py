"""`diatom compose config` against Debian's docker compose: the same JSON, the same refusals, the same hashes."""

import difflib
import json
import os
from pathlib import Path

import pytest
import yaml

from compose_cases import Case, cases

DIATOM = (os.environ.get("DIATOM", str(Path(__file__).parents[2] / "build/asan/diatom")), "compose")
ORACLE = ("docker-compose",)
JSON = ("--format", "json")
CORPUS = cases("corpus")
REFUSED = cases("refused")
MESSAGES = dict(
    line.split(": ", 1) for line in (Path(__file__).parent / "refused_messages.txt").read_text().splitlines()
)


def normal(text: str) -> str:
    return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False)


def difference(ours: str, theirs: str) -> str:
    return "\n".join(difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "docker compose", "diatom", "", "", 3, ""))


@pytest.fixture(scope="module", autouse=True)
def all_started(request) -> None:
    """Side by side, on all processors; a choice of tests starts what it needs itself."""
    if len(request.session.items) < len(CORPUS):
        return
    for case in CORPUS.values():
        for program in (ORACLE, DIATOM):
            case.start(program, *JSON)
            case.of_all_services.start(program, "--hash", "*")
        case.start(DIATOM)
    for case in REFUSED.values():
        case.start(ORACLE, *JSON)
        case.start(DIATOM, *JSON)


def test_corpus_is_large() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS.keys())
def test_same_json(case: Case) -> None:
    theirs = case.start(ORACLE, *JSON).result()
    assert theirs.returncode == 0, theirs.stderr
    ours = case.start(DIATOM, *JSON).result()
    assert ours.returncode == 0, ours.stderr
    assert normal(ours.stdout) == normal(theirs.stdout), difference(normal(ours.stdout), normal(theirs.stdout))


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS.keys())
def test_same_hashes(case: Case) -> None:
    """The hash says whether a container has to be made anew: both must leave each other's containers alone.

    Of services with an env_file docker compose prints the hash of what stands in the file, but labels containers with
    that of the variables in it, which is what we print.
    """
    theirs, ours = hashes(case, ORACLE), hashes(case, DIATOM)
    with_env_file = {name for name, service in services(case).items() if "env_file" in json.dumps(service)}
    assert theirs.keys() == ours.keys()
    for name in theirs.keys() - with_env_file:
        assert ours[name] == theirs[name], name


def services(case: Case) -> dict:
    """As docker compose sees them before it reads the files of variables."""
    if not case.mentions("env_file"):
        return {}
    shown = case.start(ORACLE, *JSON, "--no-interpolate").result()
    return json.loads(shown.stdout)["services"] if shown.returncode == 0 else {}


def hashes(case: Case, program: tuple[str, ...]) -> dict[str, str]:
    lines = case.of_all_services.start(program, "--hash", "*").result().stdout.splitlines()
    return dict(line.split(" ") for line in lines)


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS.keys())
def test_yaml_says_what_json_says(case: Case) -> None:
    as_json = json.loads(case.start(DIATOM, *JSON).result().stdout)
    as_yaml = yaml.safe_load(case.start(DIATOM).result().stdout)
    assert without_extensions(as_yaml) == without_extensions(as_json)


def without_extensions(value: object) -> object:
    """Extensions are in the YAML only, what is null in a service in the JSON only."""
    if isinstance(value, list):
        return [without_extensions(item) for item in value]
    if not isinstance(value, dict):
        return value
    unset = ("command", "entrypoint")
    return {
        key: without_extensions(item)
        for key, item in value.items()
        if not key.startswith("x-") and not (key in unset and item is None)
    }


@pytest.mark.parametrize("flag", ["--services", "--volumes", "--profiles", "--images"])
@pytest.mark.parametrize("name", ["profiles", "profiles_all", "stack", "merge", "build", "volumes_top"])
def test_same_lists(name: str, flag: str) -> None:
    theirs = CORPUS[name].start(ORACLE, flag).result()
    ours = CORPUS[name].start(DIATOM, flag).result()
    assert sorted(ours.stdout.splitlines()) == sorted(theirs.stdout.splitlines())


@pytest.mark.parametrize("name", REFUSED.keys())
def test_both_refuse(name: str) -> None:
    case = REFUSED[name]
    assert case.start(ORACLE, *JSON).result().returncode != 0
    ours = case.start(DIATOM, *JSON).result()
    assert ours.returncode == 2 or ours.returncode == 3, ours.stderr
    assert MESSAGES[name] in ours.stderr


def test_every_refusal_has_its_message() -> None:
    assert MESSAGES.keys() == REFUSED.keys()
