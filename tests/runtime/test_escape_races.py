"""As test_escapes.py, for the classes that are races: names are exchanged while containers are made."""

from __future__ import annotations

import os

import pytest
from harness import ConsoleSocket, read_terminal
from hostile import ROUNDS, SECRET, Swapper, bind, drop_mount, error_of

pytestmark = [pytest.mark.ours, pytest.mark.both_starts]


def test_masked_paths_whatever_the_image_has_at_dev_null(runtime, bundle, outside):
    """CVE-2025-31133: masking takes the null device, and the image, or another container, has a link in its place."""
    drop_mount(bundle, "/dev", "/dev/pts", "/dev/shm")
    bundle.linux["maskedPaths"] = ["/masked", "/proc/sysrq-trigger"]
    (bundle.root / "masked").write_text("to be hidden\n")
    device, link = bundle.root / "dev/null", bundle.root / "dev/null-link"
    device.write_text("")
    link.symlink_to(outside.file)
    bundle.shell("cat /masked /proc/sysrq-trigger; test -c /masked && echo device")
    with Swapper(device, link):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    for done in ran:
        assert done.stdout in ("device\n", ""), done.stdout
        assert (done.returncode == 0) == (done.stdout != ""), done.stderr
    device.unlink()
    link.unlink()
    device.symlink_to(outside.file)
    assert runtime.run(bundle, check=False).stdout in ("device\n", "")


def test_the_console_is_not_where_a_link_leads(runtime, bundle, outside, console: ConsoleSocket):
    """CVE-2025-52565: the terminal is mounted on /dev/console, and the image, or another container, has a link in its place."""
    drop_mount(bundle, "/dev", "/dev/shm")
    bundle.process["terminal"] = True
    target, link = bundle.root / "dev/console", bundle.root / "dev/console-link"
    target.write_text("")
    link.symlink_to(outside.file)
    (bundle.root / "dev/pts").mkdir()
    (bundle.root / "dev/ptmx").symlink_to(outside.file)
    started = 0
    with Swapper(target, link):
        for _ in range(ROUNDS):
            identity = runtime.fresh_id()
            bundle.shell("echo in the terminal; grep -c file /proc/mounts").write()
            if runtime.call("create", "--bundle", bundle.path, "--console-socket", console.path, identity, check=False).returncode != 0:
                continue
            master = console.receive()
            runtime.call("start", identity)
            assert "in the terminal" in read_terminal(master)
            os.close(master)
            started += 1
    assert started > 0


@pytest.mark.parametrize("where", ["/proc", "/sys"])
def test_proc_and_sys_are_not_where_a_link_leads(runtime, bundle, outside, where):
    """CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc of the image is a link, also one that comes and goes."""
    if where == "/sys":
        bundle.config["mounts"].append({"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]})
    directory, link = bundle.root / where[1:], bundle.root / "link"
    link.symlink_to(outside.path)
    bundle.linux["maskedPaths"] = ["/proc/sysrq-trigger"]
    bundle.shell(f"grep ' {where} ' /proc/mounts | cut -d' ' -f3; test -s /proc/sysrq-trigger && echo unmasked; test -e {where}/file && echo outside")
    kind = {"/proc": "proc", "/sys": "sysfs"}[where]
    with Swapper(directory, link):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    for done in ran:
        assert "unmasked" not in done.stdout and "outside" not in done.stdout, done.stdout
        assert done.stdout in ("", f"{kind}\n"), done.stdout
    if not directory.is_symlink():
        os.rename(directory, bundle.root / "kept")
        os.rename(link, directory)
    assert f"{where} of the image is a link or a file" in error_of(runtime, bundle)


def test_mounts_are_not_where_a_link_leads(runtime, bundle, outside):
    """CVE-2021-30465, CVE-2024-45310: the place of a mount lies in a volume of another container, which exchanges it for a link;
    neither the mount nor the directories that are made for it may be the host's."""
    shared, mounted = bundle.path / "shared", bundle.path / "mounted"
    for path in (shared / "place", mounted):
        path.mkdir(parents=True)
    (mounted / "mark").write_text("mounted\n")
    up = "/.." * 20
    (shared / "link").symlink_to(f"{up}{outside.path}")
    bind(bundle, shared, "/volume")
    bind(bundle, mounted, "/volume/place/deep/target")
    (bundle.path / "a-file").write_text("")
    bind(bundle, bundle.path / "a-file", "/volume/place/deep/one")
    bundle.shell(f"cat {outside.path}/file /volume/place/file /volume/link/file 2>/dev/null; grep -c deep /proc/mounts")
    with Swapper(shared / "place", shared / "link"):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    assert any(done.returncode == 0 for done in ran), ran[0].stderr
    for done in ran:
        assert SECRET not in done.stdout
        assert done.stdout in ("", "2\n"), done.stdout


def test_the_working_directory_is_made_in_the_root(runtime, bundle, outside):
    """CVE-2026-55686: a working directory that is missing, below a link of the image that comes and goes."""
    directory, link = bundle.root / "work", bundle.root / "work-link"
    directory.mkdir()
    (bundle.root / str(outside.path)[1:]).mkdir(parents=True)  # where the link leads inside
    link.symlink_to("/.." * 20 + str(outside.path))
    bundle.process["cwd"] = "/work/made/here"
    bundle.shell("cat ../../file 2>/dev/null; echo ran")
    with Swapper(directory, link):
        ran = [runtime.run(bundle, check=False) for _ in range(ROUNDS)]
    assert {done.stdout for done in ran} <= {"ran\n", ""}
    assert any(done.returncode == 0 for done in ran), ran[0].stderr
