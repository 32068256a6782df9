"""Copying files into and out of containers, by the docker command line."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import uuid
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def container(docker):
    """Makes containers that go with the test."""

    @contextmanager
    def make(*args: str, verb: str = "run"):
        name = "t" + uuid.uuid4().hex[:10]
        docker(verb, *(["-d"] if verb == "run" else []), "--name", name, *args)
        try:
            yield name
        finally:
            docker("rm", "-f", "-v", name)

    return make


def test_cp_into_and_out_of_a_running_container(docker, container, tmp_path):
    (tmp_path / "in").write_text("from outside\n")
    with container("busybox", "sleep", "1000") as box:
        docker("cp", str(tmp_path / "in"), f"{box}:/tmp/renamed")
        assert docker("exec", box, "cat", "/tmp/renamed").stdout == "from outside\n"
        docker("exec", box, "sh", "-c", "mkdir -p /d/e && echo deep > /d/e/f && ln -s e /d/link")
        docker("cp", f"{box}:/d", str(tmp_path / "out"))
        assert (tmp_path / "out/e/f").read_text() == "deep\n"
        assert (tmp_path / "out/link").is_symlink()


def test_cp_with_a_stopped_container_and_its_volume(docker, container, tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub/file").write_text("x" * 1_000_000)
    with container("-v", "/vol", "busybox", "wc", "-c", "/vol/tree/sub/file", verb="create") as box:
        docker("cp", str(tree), f"{box}:/vol")
        assert docker("start", "-a", box).stdout.split()[0] == "1000000"
        docker("cp", f"{box}:/vol/tree/.", str(tmp_path / "back"))
        assert (tmp_path / "back/sub/file").stat().st_size == 1_000_000


def test_cp_streams_archives_through_stdin_and_stdout(docker, container):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("given")
        entry.size, entry.uid = 3, 1234
        archive.addfile(entry, io.BytesIO(b"abc"))
    for verb in ("run", "create"):
        with container("busybox", "sleep", "1000", verb=verb) as box:
            docker("cp", "-", f"{box}:/tmp", binary=True, input=buffer.getvalue())
            read = docker("cp", f"{box}:/tmp/given", "-", binary=True).stdout
            with tarfile.open(fileobj=io.BytesIO(read)) as archive:
                assert [(entry.name, entry.uid, entry.size) for entry in archive] == [("given", 1234, 3)]
            whole = docker("cp", f"{box}:/", "-", binary=True).stdout
            with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
                names = {name.strip("/") for name in archive.getnames()}
                assert {"bin/busybox", "tmp/given"} <= names
                assert verb == "create" or {"proc", "dev"} <= names  # the first start makes them where the image has none
                assert not any(name.startswith(("proc/", "dev/")) for name in names)
            broken = docker("cp", "-", f"{box}:/tmp", binary=True, input=b"no archive" * 1000, check=False)
            assert broken.returncode == 1 and b"Error response from daemon" in broken.stderr


@pytest.fixture
def refused(docker):
    """What the docker command line says when it refuses."""

    def run(*args: str, **options) -> str:
        done = docker(*args, check=False, **options)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr

    return run


def test_cp_says_what_is_not_there(refused, container, tmp_path):
    (tmp_path / "file").write_text("")
    file = str(tmp_path / "file")
    assert "No such container: nonesuch" in refused("cp", file, "nonesuch:/tmp")
    assert "No such container: nonesuch" in refused("cp", "nonesuch:/etc", str(tmp_path))
    for verb in ("run", "create"):
        with container("busybox", "sleep", "1000", verb=verb) as box:
            assert f"Could not find the file /none in container {box}" in refused("cp", f"{box}:/none", str(tmp_path))
            assert f"Could not find the file /no/such in container {box}" in refused("cp", file, f"{box}:/no/such/place")
            assert "no such directory" in refused("cp", file, f"{box}:/new/")
            assert "not a directory" in refused("cp", f"{box}:/etc/passwd/", str(tmp_path))
            assert "must be a directory" in refused("cp", "-", f"{box}:/etc/passwd", input="")
            assert "copying between containers is not supported" in refused("cp", f"{box}:/etc", f"{box}:/tmp")


def test_cp_respects_what_is_read_only(docker, refused, container, tmp_path):
    (tmp_path / "file").write_text("kept\n")
    file = str(tmp_path / "file")
    for verb in ("run", "create"):
        volumes = ("-v", "/open", "--mount", "type=volume,dst=/shut,readonly")
        with container("--read-only", *volumes, "busybox", "sleep", "1000", verb=verb) as box:
            assert "container rootfs is marked read-only" in refused("cp", file, f"{box}:/tmp")
            assert "mounted volume is marked read-only" in refused("cp", file, f"{box}:/shut")
            docker("cp", file, f"{box}:/open")
            docker("cp", f"{box}:/open/file", str(tmp_path / f"back-{verb}"))
            assert (tmp_path / f"back-{verb}").read_text() == "kept\n"


def test_cp_keeps_directories_and_files_apart(docker, refused, container, tmp_path):
    (tmp_path / "etc").write_text("")
    (tmp_path / "tree/passwd").mkdir(parents=True)
    (tmp_path / "local").write_text("")
    with container("busybox", "sleep", "1000") as box:
        assert "cannot copy directory" in refused("cp", str(tmp_path / "tree"), f"{box}:/etc/passwd")
        assert "cannot copy directory" in refused("cp", f"{box}:/etc", str(tmp_path / "local"))
        assert 'cannot overwrite directory "/etc" with non-directory' in refused("cp", str(tmp_path / "etc"), f"{box}:/")
        message = refused("cp", f"{tmp_path}/tree/.", f"{box}:/etc")
        assert 'cannot overwrite non-directory "/etc/passwd" with directory' in message
        assert "root:" in docker("exec", box, "cat", "/etc/passwd").stdout


def test_cp_puts_things_where_docker_does(docker, container, tmp_path):
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/sub/f").write_text("one\n")
    (tmp_path / "file").write_text("two\n")
    tree, file = str(tmp_path / "tree"), str(tmp_path / "file")
    for verb in ("run", "create"):
        with container("-v", "/vol", "busybox", "sleep", "1000", verb=verb) as box:

            def listing() -> list[str]:
                out = tmp_path / uuid.uuid4().hex
                docker("cp", f"{box}:/vol", str(out))
                return sorted(str(path.relative_to(out)) for path in out.rglob("*"))

            docker("cp", tree, f"{box}:/vol")  # into a directory that is there
            docker("cp", tree, f"{box}:/vol/named")  # by a new name
            docker("cp", f"{tree}/.", f"{box}:/vol/named")  # merged
            docker("cp", file, f"{box}:/vol/")
            docker("cp", file, f"{box}:/vol/two")
            docker("cp", file, f"{box}:vol/named/sub/f")  # over a file; a path without its slash
            expected = ["file", "named", "named/sub", "named/sub/f", "tree", "tree/sub", "tree/sub/f", "two"]
            assert listing() == expected
            out = tmp_path / f"out-{verb}"
            docker("cp", f"{box}:/vol/named/sub/f", str(out))
            assert out.read_text() == "two\n"
            docker("cp", f"{box}:/vol/tree/sub/.", str(tmp_path / f"sub-{verb}"))
            assert os.listdir(tmp_path / f"sub-{verb}") == ["f"]


def test_cp_keeps_owners_modes_times_and_names(docker, container, tmp_path):
    odd = "sp ace \u00e9\n" + "long" * 40
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / odd).write_text("odd")
    (tree / "run").write_text("x")
    os.link(tree / "run", tree / "twin")
    os.mkfifo(tree / "pipe")
    os.chown(tree / "run", 3_000_000, 7)
    (tree / "run").chmod(0o4751)
    os.utime(tree / "run", (1_000_000_000, 1_000_000_000))
    with container("--user", "1000:1001", "busybox", "sleep", "1000") as box:
        docker("cp", str(tree), f"{box}:/tmp")
        assert docker("exec", box, "stat", "-c", "%u %g %a %Y %h", "/tmp/tree/run").stdout == "3000000 7 4751 1000000000 2\n"
        assert docker("exec", box, "cat", f"/tmp/tree/{odd}").stdout == "odd"
        assert docker("exec", box, "test", "-p", "/tmp/tree/pipe").stdout == ""
        docker("cp", "-a", str(tree), f"{box}:/tmp/all")
        assert docker("exec", box, "stat", "-c", "%u %g", "/tmp/all/run").stdout == "1000 1001\n"
        read = docker("cp", f"{box}:/tmp/tree/run", "-", binary=True).stdout
        with tarfile.open(fileobj=io.BytesIO(read)) as archive:
            (entry,) = archive.getmembers()
            assert (entry.name, entry.uid, entry.gid, entry.mode, entry.mtime) == ("run", 3_000_000, 7, 0o4751, 1_000_000_000)
        docker("cp", f"{box}:/tmp/tree/{odd}", str(tmp_path / "odd"))
        assert (tmp_path / "odd").read_text() == "odd"


def test_cp_follows_links_inside_the_container_only(docker, container, tmp_path):
    (tmp_path / "planted").write_text("planted\n")
    links = "ln -s /../../../etc /escape; ln -s .. /tmp/up; ln -s /nowhere /dangling; echo mine > /etc/marker"
    with container("busybox", "sh", "-c", f"{links}; touch /ready; sleep 1000") as box:
        docker("exec", box, "sh", "-c", "until test -e /ready; do sleep 0.1; done")

        def check() -> None:
            docker("cp", f"{box}:/escape/marker", str(tmp_path / "marker"))
            assert (tmp_path / "marker").read_text() == "mine\n"
            docker("cp", "-L", f"{box}:/escape", str(tmp_path / "followed"))
            assert (tmp_path / "followed/marker").read_text() == "mine\n"
            shutil.rmtree(tmp_path / "followed")
            # As an archive: the command line itself refuses to make a link that leads so far up.
            with tarfile.open(fileobj=io.BytesIO(docker("cp", f"{box}:/escape", "-", binary=True).stdout)) as archive:
                assert [(entry.name, entry.linkname) for entry in archive] == [("escape", "/../../../etc")]
            # A destination that is a link is where it leads, inside.
            docker("cp", str(tmp_path / "planted"), f"{box}:/escape")
            docker("cp", str(tmp_path / "planted"), f"{box}:/tmp/up/up-there")
            for path in ("/etc/planted", "/up-there"):
                docker("cp", f"{box}:{path}", str(tmp_path / "found"))
                assert (tmp_path / "found").read_text() == "planted\n"

        check()
        docker("exec", box, "sh", "-c", "rm /etc/planted /up-there")
        docker("kill", box)
        check()


def test_cp_refuses_archives_that_climb(docker, container):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        link = tarfile.TarInfo("way-out")
        link.type, link.linkname = tarfile.SYMTYPE, "/"
        archive.addfile(link)
        for name in ("way-out/inside", "../climbed"):
            archive.addfile(tarfile.TarInfo(name))
    with container("busybox", "sleep", "1000") as box:
        climbed = docker("cp", "-", f"{box}:/tmp", binary=True, input=buffer.getvalue(), check=False)
        assert climbed.returncode == 1 and b"../climbed" in climbed.stderr
        assert docker("exec", box, "ls", "/inside", check=False).returncode == 0


def test_cp_with_a_paused_container(docker, container, tmp_path):
    (tmp_path / "in").write_text("paused\n")
    with container("busybox", "sleep", "1000") as box:
        docker("pause", box)
        docker("cp", str(tmp_path / "in"), f"{box}:/tmp/in")
        docker("cp", f"{box}:/tmp/in", str(tmp_path / "out"))
        assert (tmp_path / "out").read_text() == "paused\n"
        docker("unpause", box)


def test_cp_of_a_large_file(docker, container, tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(64 << 20)
    with container("-v", "/vol", "busybox", "sleep", "1000") as box:
        docker("cp", str(large), f"{box}:/vol/large")
        assert docker("exec", box, "stat", "-c", "%s", "/vol/large").stdout == f"{64 << 20}\n"
