"""The commands for images and registries and their flags, beyond what the other tests ask, by the docker command line."""

from __future__ import annotations

import json
import re

import pytest

import oci
from clients import SID, lines
from playground import name
from registry import PASSWORD, USER, FaultyRegistry, needs_password

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def tag(docker):
    """New names for the busybox image, which go with the test."""
    made = []

    def give(repository: str = "", suffix: str = "v1") -> str:
        made.append(f"{repository or 'cli/' + name()}:{suffix}")
        docker("image", "tag", "busybox", made[-1])
        return made[-1]

    yield give
    for one in made:
        docker("rmi", "--force", one, check=False)


@pytest.fixture
def small(registry, tmp_path):
    """An image in the registry that the machine does not have, under several tags."""

    def make(*tags: str, architecture: str = "amd64") -> str:
        repository = f"cli/{name()}"
        layer = oci.busybox_layer().add("unique", repository.encode()).bytes()
        layout = oci.write_layout(tmp_path / repository.replace("/", "-"), [layer], architecture=architecture)
        return [registry.push(layout, f"{repository}:{one}") for one in tags][0].rsplit(":", 1)[0]

    return make


def test_images_chooses_and_shows(docker, tag, tmp_path):
    one, other = tag(suffix="v1"), tag(suffix="v2")
    repository = one.rsplit(":", 1)[0]
    names = ["--format", "{{.Repository}}:{{.Tag}}"]
    assert lines(docker("images", "--filter", f"reference={repository}", *names)) == [one]
    assert {one, other} <= set(lines(docker("images", "-f", "reference=cli/*", *names)))
    assert lines(docker("images", "--filter", "dangling=true", *names, repository)) == []
    whole = docker("images", "--quiet", "--no-trunc", one).stdout.strip()
    assert whole == docker("image", "inspect", "--format", "{{.Id}}", one).stdout.strip()
    assert docker("images", "-q", one).stdout.strip() == whole.removeprefix("sha256:")[:12]
    assert lines(docker("images", "--all", "--digests", "--format", "{{.Repository}} {{.Digest}}", one)) == [f"{repository} <none>"]
    unknown = docker("images", "-f", "colour=red", check=False)
    assert unknown.returncode == 1 and "invalid filter" in unknown.stderr


def test_images_as_a_tree(machine, tag):
    one = tag()
    shown = machine.docker("images", "--tree", suite=SID).stdout
    assert one in shown.splitlines() and re.search(r"^busybox:latest +[0-9a-f]{12} ", shown, re.MULTILINE), "names of one image"


def test_history_shows(docker, machine):
    ids = lines(docker("history", "--quiet", "--no-trunc", "busybox"))
    assert ids[0] == docker("image", "inspect", "-f", "{{.Id}}", "busybox").stdout.strip()
    row = json.loads(lines(docker("history", "--human=false", "--format", "json", "busybox"))[0])
    assert row["CreatedAt"].startswith("2026-01-01T") and row["CreatedBy"] == "tests"
    assert int(row["Size"]) > 1_000_000, "the layer's size in bytes"
    assert lines(machine.docker("history", "-q", "--platform", "linux/amd64", "busybox", suite=SID))[0] == ids[0][7:19]
    other = machine.docker("history", "--platform", "linux/arm64", "busybox", suite=SID, check=False)
    assert other.returncode == 1 and "does not match the specified platform" in other.stderr


def test_inspect_of_a_platform(machine):
    shown = machine.docker("image", "inspect", "--platform", "linux/amd64", "-f", "{{.Architecture}}", "busybox", suite=SID)
    assert shown.stdout == "amd64\n"
    other = machine.docker("image", "inspect", "--platform", "linux/arm64", "busybox", suite=SID, check=False)
    assert other.returncode == 1 and "does not match the specified platform" in other.stderr


def test_rmi_of_names_and_platforms(docker, machine, tag):
    one, other = tag(), tag()
    assert lines(docker("rmi", "--no-prune", one)) == [f"Untagged: {one}"]
    assert lines(machine.docker("rmi", "--force", "--platform", "linux/amd64", other, suite=SID)) == [f"Untagged: {other}"]
    assert docker("image", "inspect", one, other, check=False).returncode == 1
    assert docker("image", "inspect", "busybox").returncode == 0


def test_save_and_load(docker, machine, tag, tmp_path):
    one, archive = tag(), tmp_path / "image.tar"
    machine.docker("save", "--output", str(archive), "--platform", "linux/amd64", one, suite=SID)
    docker("rmi", one)
    quiet = docker("load", "--quiet", "--input", str(archive))
    assert lines(quiet) == [f"Loaded image: {one}"]
    machine.docker("load", "--platform", "linux/amd64", "-i", str(archive), suite=SID)
    other = machine.docker("load", "--platform", "linux/arm64", "-i", str(archive), suite=SID, check=False)
    assert other.returncode == 1 and "linux/arm64" in other.stderr


def test_import_for_a_platform(docker, play, tmp_path):
    archive = tmp_path / "root.tar"
    docker("container", "export", "--output", str(archive), play.box())
    docker("import", "--platform", "linux/arm64", "--change", "LABEL made=here", "--message", "why", str(archive), "cli/imported")
    shown = json.loads(docker("image", "inspect", "cli/imported").stdout)[0]
    assert (shown["Architecture"], shown["Config"]["Labels"], shown["Comment"]) == ("arm64", {"made": "here"}, "why")
    docker("rmi", "cli/imported")


def test_prune_takes_what_is_chosen(docker, small, play):
    labelled, kept = play.box(), play.box()
    docker("commit", "-c", "LABEL prune=me", labelled, "cli/pruned")
    docker("commit", "-c", "LABEL other=1", kept, "cli/kept")
    names = ["--format", "{{.Repository}}"]
    docker("image", "prune", "--force", "--filter", "label=prune=me")
    assert "cli/pruned" in lines(docker("images", *names)), "it has a name"
    docker("image", "prune", "--all", "-f", "--filter", "label=prune=me")
    assert "cli/pruned" not in lines(docker("images", *names)) and "cli/kept" in lines(docker("images", *names))
    docker("rmi", "cli/kept")


def test_pull_quietly_of_a_platform_and_all_tags(docker, small):
    repository = small("a", "b")
    quiet = docker("pull", "--quiet", "--platform", "linux/amd64", "--disable-content-trust", f"{repository}:a")
    assert quiet.stdout == f"{repository}:a\n"
    assert lines(docker("images", "--format", "{{.Tag}}", repository)) == ["a"]
    docker("pull", "--all-tags", repository)
    assert sorted(lines(docker("images", "--format", "{{.Tag}}", repository))) == ["a", "b"]
    docker("rmi", f"{repository}:a", f"{repository}:b")


def test_pull_of_another_platform(docker, small):
    repository = small("a", architecture="arm64")
    docker("pull", "--platform", "linux/arm64", f"{repository}:a")
    assert docker("image", "inspect", "-f", "{{.Architecture}}", f"{repository}:a").stdout == "arm64\n"
    docker("rmi", f"{repository}:a")


def test_push_quietly_of_a_platform_and_all_tags(docker, machine, registry, tag):
    repository = f"{registry.address}/cli/{name()}"
    tags = [tag(repository, suffix) for suffix in ("a", "b")]
    assert docker("push", "--quiet", "--disable-content-trust", tags[0]).stdout == f"{tags[0]}\n"
    docker("push", "--all-tags", repository)
    docker("rmi", *tags)
    docker("pull", "-q", "--all-tags", repository)
    assert sorted(lines(docker("images", "--format", "{{.Tag}}", repository))) == ["a", "b"]
    machine.docker("push", "--platform", "linux/amd64", tags[1], suite=SID)
    other = machine.docker("push", "--platform", "linux/arm64", tags[1], suite=SID, check=False)
    assert other.returncode == 1 and "does not match the specified platform" in other.stderr


def test_login_and_logout(docker, registry, small, tmp_path):
    repository = small("a")
    server = FaultyRegistry(registry, needs_password)
    config = {"DOCKER_CONFIG": str(tmp_path / "config")}
    try:
        wanted = f"{server.address}/{repository.split('/', 1)[1]}:a"
        wrong = docker("login", "--username", USER, "--password-stdin", server.address, env=config, input="wrong", check=False)
        assert wrong.returncode == 1 and "unauthorized" in wrong.stderr.lower(), wrong.stderr
        assert "Login Succeeded" in docker("login", "--username", USER, "--password-stdin", server.address, env=config, input=PASSWORD).stdout
        docker("pull", "-q", wanted, env=config)
        docker("rmi", wanted)
        assert "Removing login credentials" in docker("logout", server.address, env=config).stdout
        refused = docker("pull", "-q", wanted, env=config, check=False)
        assert refused.returncode == 1 and "denied" in refused.stderr
        assert "Login Succeeded" in docker("login", "-u", USER, "--password", PASSWORD, server.address, env=config).stdout
    finally:
        server.stop()


def test_a_manifest_list_of_the_clients_making(docker, registry, small, tmp_path):
    """`docker manifest` speaks to the registry itself; the engine pulls what it has made."""
    ours, theirs = small("a"), small("a", architecture="arm64")
    local = [one.replace("10.0.2.2", "127.0.0.1") + ":a" for one in (ours, theirs)]
    listed, config = f"127.0.0.1:{registry.port}/cli/listed:v1", {"DOCKER_CONFIG": str(tmp_path / "config")}
    docker("manifest", "create", "--insecure", listed, local[0], env=config)
    docker("manifest", "create", "--insecure", "--amend", listed, local[1], env=config)
    docker("manifest", "annotate", "--os", "linux", "--arch", "arm64", "--variant", "v8", "--os-features", "f", "--os-version", "1", listed, local[1], env=config)
    shown = json.loads(docker("manifest", "inspect", "--insecure", listed, env=config).stdout)
    assert sorted(one["platform"]["architecture"] for one in shown["manifests"]) == ["amd64", "arm64"]
    docker("manifest", "push", "--insecure", "--purge", listed, env=config)
    assert docker("manifest", "inspect", "--insecure", "--verbose", local[0], env=config).returncode == 0
    docker("manifest", "create", "--insecure", listed, local[0], env=config)
    docker("manifest", "rm", listed, env=config)
    pulled = listed.replace("127.0.0.1", "10.0.2.2")
    docker("pull", pulled)
    marker = docker("run", "--rm", pulled, "cat", "/unique").stdout
    assert ours.endswith(marker)
    docker("rmi", pulled)
