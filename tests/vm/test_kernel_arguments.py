"""What the configuration adds to the kernel's command line, on a machine that firmware, systemd-boot and stub start."""

from __future__ import annotations

from conftest import shell
from test_cloud_config import restart
from vm.config import Boot


def command_line(box) -> list[str]:
    return shell(box, "cat /proc/cmdline").split()


def test_arguments_are_there_at_the_next_boot_and_gone_after_it(make_box):
    box = make_box(boot=Boot.UEFI, disks=[])
    try:
        box.start_console()
        before = command_line(box)
        shell(box, "diatom config set kernel_arguments '{add: [example.level=1, quiet, \"example.words=\\\"a b\\\"\"], remove: [nothing.of.it]}'")
        shell(box, "diatom config apply")
        assert command_line(box) == before
        restart(box)
        assert sorted(command_line(box)) == sorted([*before, "example.level=1", 'example.words="a', 'b"'])
        # What it is made of is nobody's business but the loader's: it is mounted only meanwhile.
        assert shell(box, "grep -c /run/diatom/boot /proc/mounts; true").strip() == "0"
        code, said = box.shell("diatom config set kernel_arguments.remove '[quiet]' && diatom config apply 2>&1", 120)
        assert "quiet stands in the image's own command line" in said, said
        shell(box, "diatom config unset kernel_arguments && diatom config apply")
        restart(box)
        assert command_line(box) == before
    finally:
        box.kill()
