"""The tree that becomes root.erofs: the program and its names, what image/rootfs holds, packages, certificates."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .run import REPO, BuildError, run
from .version import Version

# Mount points and places of state. The root is read-only: what is not here cannot be mounted on later.
DIRECTORIES = (
    "dev", "etc", "home", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "var",
    "usr/bin", "usr/lib", "usr/local", "usr/share/diatom/services", "usr/share/diatom/optional",
)  # fmt: skip
LINKS = {
    "bin": "usr/bin", "sbin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib", "usr/sbin": "bin", "usr/lib64": "lib",
    # Where OpenSSL looks for who is trusted (OPENSSLDIR).
    "usr/lib/ssl": "../../etc/ssl",
}  # fmt: skip
ETC = "usr/share/diatom/etc"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
ZONES = Path("/usr/share/zoneinfo")


def stage(tree: Path, program: Path, stub: Path, container_init: Path, packages: dict[str, Path], version: Version) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for path in DIRECTORIES:
        (tree / path).mkdir(parents=True, exist_ok=True)
    for path, target in LINKS.items():
        (tree / path).symlink_to(target)
    for source in (*packages.values(), REPO / "image/rootfs"):
        _merge(source, tree)
    for kind in ("services", "optional"):
        for service in sorted((REPO / "src/config" / kind).glob("*.yml")):
            shutil.copyfile(service, tree / "usr/share/diatom" / kind / service.name)
    _add_program(tree, program)
    # Once more, for the kernel: what it starts as a user-mode helper is /init of the root that PID 1 has changed to.
    shutil.copy(stub, tree / "init")
    # Of containers that are started with --init: the engine binds it into them.
    (tree / "usr/lib/diatom").mkdir()
    shutil.copy(container_init, tree / "usr/lib/diatom/docker-init")
    _add_certificates(tree)
    _add_release(tree, version)
    _fix_modes(tree)


def _merge(source: Path, tree: Path) -> None:
    for path in sorted(source.rglob("*")):
        target = tree / path.relative_to(source)
        if path.is_symlink():
            target.symlink_to(os.readlink(path))
        elif path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif target.exists():
            raise BuildError(f"two sources have {target.relative_to(tree)}: one of them is {source}")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            shutil.copymode(path, target)


def program_names(program: Path) -> list[str]:
    """The names that the program answers to. PID 1 must be among them."""
    names = run(program, "--names").split()
    if "init" not in names:
        raise BuildError(f"{program} --names does not list init, so nothing could start the machine: {names}")
    return names


def _add_program(tree: Path, program: Path) -> None:
    shutil.copyfile(program, tree / "usr/bin/diatom")
    for name in program_names(program):
        if name == "diatom":
            continue
        link = tree / "usr/bin" / name
        link.unlink(missing_ok=True)  # the system's own name goes before busybox's
        link.symlink_to("diatom")


def _add_certificates(tree: Path) -> None:
    target = tree / ETC / "ssl/certs/ca-certificates.crt"
    target.parent.mkdir(parents=True)
    shutil.copyfile(CERTIFICATES, target)
    (tree / ETC / "ssl/cert.pem").symlink_to("certs/ca-certificates.crt")


def os_release(version: Version) -> str:
    fields = {
        "NAME": "Diatom OS",
        "ID": "diatom",
        "PRETTY_NAME": f"Diatom OS {version.text}",
        "VERSION": version.text,
        "VERSION_ID": version.text,
        "IMAGE_ID": "diatom",
        "IMAGE_VERSION": version.text,
        "BUILD_ID": version.commit or "none",
    }
    return "".join(f'{key}="{value}"\n' for key, value in fields.items())


def _add_release(tree: Path, version: Version) -> None:
    (tree / "usr/lib/os-release").write_text(os_release(version))
    (tree / ETC / "os-release").symlink_to("../usr/lib/os-release")
    (tree / ETC / "resolv.conf").symlink_to("../run/diatom/resolv.conf")
    (tree / ETC / "mtab").symlink_to("../proc/self/mounts")
    (tree / ETC / "localtime").symlink_to("../usr/share/zoneinfo/UTC")
    (tree / "usr/share/diatom/version").write_text(f"{version.text}\n{version.commit}\n{version.committed}\n")
    shutil.copyfile(REPO / "image/kernel/sysctl.conf", tree / "usr/share/diatom/sysctl.conf")
    zone = tree / "usr/share/zoneinfo/UTC"
    zone.parent.mkdir(parents=True)
    # RFC 9636: an empty version 1 part, then version 2 data with one type, "UTC" at offset 0, and the same as a rule.
    header = b"TZif2" + bytes(15) + b"".join(n.to_bytes(4, "big") for n in (0, 0, 0, 0, 1, 4))
    zone.write_bytes((header + bytes(6) + b"UTC\0") * 2 + b"\nUTC0\n")
    (tree / "usr/share/diatom/zones").write_text(zone_table(ZONES))


def zone_table(folder: Path) -> str:
    """`NAME OFFSET ABBREVIATION RULE` for each zone of the tz database: what its clocks do from now on (RFC 9636, the
    footer), and their time without summer time. The whole of it, with its past, would be a hundred times as large."""
    lines = []
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if not file.is_file() or name.startswith(("posix/", "right/")) or file.read_bytes()[:4] != b"TZif":
            continue
        rule = file.read_bytes().rsplit(b"\n", 2)[1].decode()
        found = re.match(r"(<[^>]+>|[A-Za-z]+)([+-]?)(\d+)(?::(\d+))?(?::(\d+))?", rule)
        if not found:
            raise BuildError(f"{file}: no rule at its end")
        seconds = sum(int(found[i + 3] or 0) * 60 ** (2 - i) for i in range(3))
        lines.append(f"{name} {seconds if found[2] == '-' else -seconds} {found[1].strip('<>')} {rule}")
    if not lines:
        raise BuildError(f"{folder} has no time zones")
    return "\n".join(lines) + "\n"


def _fix_modes(tree: Path) -> None:
    """What git and umask leave open: directories 755, files 644, or 755 where they run."""
    for path in tree.rglob("*"):
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.parent == tree / "usr/bin" or os.access(path, os.X_OK) and path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)
    tree.chmod(0o755)
    (tree / "tmp").chmod(0o1777)
    (tree / "root").chmod(0o700)
    (tree / ETC / "shadow").chmod(0o600)
