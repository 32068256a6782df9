#!/usr/bin/env python3
"""Makes a release out of the program, the kernel and the packages:  image/build.py --program FILE --out DIR

Runs inside the build root (./dev image does all of it). What it makes is described in image/README.md. With --sanitized
it makes what ./dev test --only sanitize boots: vmlinuz and initramfs, no release.
Does nothing when the inputs are those of the files that are there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import time
from pathlib import Path

from diatom_image import cpio, disk, erofs, manifest, rootfs, sanitized, table, uki
from diatom_image.run import REPO, BuildError, run
from diatom_image.version import Version, read_version

PACKAGES = REPO / "image/packages/build.sh"
ARTEFACTS = ["diatom.efi", "vmlinuz", "initramfs", "root.erofs", "diatom.raw"]
SANITIZED_ARTEFACTS = ["vmlinuz", "initramfs"]


def input_key(programs: list[Path], kernel: Path, version: Version) -> str:
    """Changes with anything that decides the image's bytes."""
    digest = hashlib.sha256(f"{version}\n".encode())
    digest.update(run(PACKAGES, "--key").encode())
    digest.update(Path("/var/lib/dpkg/status").read_bytes())
    sources = [*programs, kernel / "vmlinuz", *sorted((REPO / "src/boot").glob("*.cpp"))]
    for folder in ("image", "src/config/services"):
        sources += [path for path in sorted((REPO / folder).rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    for path in sources:
        digest.update(f"{path.name} {manifest.sha256(path)}\n".encode())
    return digest.hexdigest()


def compile_freestanding(source: str, output: Path) -> None:
    run(
        "g++-14", "-std=c++23", "-Os", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-exceptions", "-fno-rtti",
        "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fno-pie", "-no-pie", "-static", "-nostdlib",
        "-fcf-protection=none", "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,-z,norelro", "-s", "-o", output,
        REPO / "src/boot" / source,
    )  # fmt: skip


def make_packages(work: Path) -> dict[str, Path]:
    folder = work / "packages"
    print(run(PACKAGES, folder), end="")
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()}


def package_versions(packages: dict[str, Path]) -> dict[str, str]:
    installed = {
        name: run("dpkg-query", "-W", "-f", "${Version}", name)
        for name in ("ca-certificates", "systemd-boot-efi", "erofs-utils", "systemd-ukify")
    }
    return installed | {name: path.with_name(f"{name}.version").read_text().strip() for name, path in packages.items()}


def stage_root(work: Path, program: Path, version: Version) -> dict[str, Path]:
    work.mkdir(parents=True, exist_ok=True)
    compile_freestanding("init_stub.cpp", work / "init")
    compile_freestanding("container_init.cpp", work / "docker-init")
    packages = make_packages(work)
    rootfs.stage(work / "root", program, work / "init", work / "docker-init", packages, version)
    return packages


def pack_root(out: Path, kernel: Path, version: Version, **options: str) -> None:
    """What boots without firmware."""
    work = out / "parts"
    erofs.write_erofs(out / "root.erofs", work / "root", version.guid("root"), **options)
    cpio.write_initramfs(out / "initramfs", work / "init", out / "root.erofs")
    shutil.copyfile(kernel / "vmlinuz", out / "vmlinuz")
    (work / "cmdline").write_text(uki.command_line() + "\n")


def make_sanitized(out: Path, program: Path, exchanged: Path, kernel: Path, version: Version) -> None:
    work = out / "parts"
    stage_root(work, program, version)
    sanitized.exchange_program(work / "root", exchanged)
    pack_root(out, kernel, version, compression=erofs.QUICK)  # a program of 100 MB, for one run
    (work / "cmdline").write_text(f"{uki.command_line()} {sanitized.KERNEL_ARGUMENTS}\n")
    (out / "root.erofs").unlink()  # it is in the initramfs


def make_image(out: Path, program: Path, kernel: Path, version: Version) -> None:
    work = out / "parts"
    packages = stage_root(work, program, version)
    pack_root(out, kernel, version)
    (work / "os-release").write_text(rootfs.os_release(version))
    kernel_facts = json.loads((kernel / "build.json").read_text())
    uki.write_uki(out / "diatom.efi", out / "vmlinuz", out / "initramfs", work / "os-release", kernel_facts["version"])
    disk.write_disk(out / "diatom.raw", out / "diatom.efi", version)
    parts = {str(path.relative_to(work / "root")): path for path in table.tree_files(work / "root")}
    manifest.write_manifest(out, version, ARTEFACTS, parts, package_versions(packages), kernel_facts)
    table.print_table(out, work, packages)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the stripped static program")
    parser.add_argument("--kernel", type=Path, default=REPO / "build/kernel", help="what image/kernel/build.sh made")
    parser.add_argument("--sanitized", type=Path, help="what runs in place of the program, but as PID 1")
    parser.add_argument("--out", type=Path, default=REPO / "build/image")
    args = parser.parse_args()

    started = time.monotonic()
    version = read_version()
    programs = [program for program in (args.program, args.sanitized) if program]
    artefacts = SANITIZED_ARTEFACTS if args.sanitized else ARTEFACTS
    key = input_key(programs, args.kernel, version)
    stamp = args.out / "parts/key"
    if stamp.exists() and stamp.read_text() == key and all((args.out / name).exists() for name in artefacts):
        print(f"image: {version.text} is up to date")
        return 0
    stamp.unlink(missing_ok=True)
    if args.sanitized:
        make_sanitized(args.out, args.program, args.sanitized, args.kernel, version)
    else:
        make_image(args.out, args.program, args.kernel, version)
    stamp.write_text(key)
    print(f"image: {version.text} made in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BuildError as error:
        sys.exit(f"image: {error}")
