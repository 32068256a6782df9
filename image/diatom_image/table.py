"""What the image's bytes are made of, for people: `./dev image` prints it."""

from __future__ import annotations

import zlib
from pathlib import Path

LIMIT = 14 << 20  # bytes of the UKI; tests/image checks it
GOAL = 10 << 20


def tree_files(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]


def size_row(name: str, files: list[Path]) -> tuple[str, int, int]:
    """Name, bytes, and bytes when deflated: a yardstick of what a part costs, since EROFS compresses across parts."""
    plain = sum(file.stat().st_size for file in files)
    packed = sum(len(zlib.compress(file.read_bytes(), 9)) for file in files)
    return name, plain, packed


def print_table(out: Path, work: Path, packages: dict[str, Path]) -> None:
    tree = work / "root"
    counted: set[Path] = set()
    rows = []
    parts = {"diatom": [tree / "usr/bin/diatom"], "CA certificates": [tree / "usr/share/diatom/etc/ssl/certs/ca-certificates.crt"]}
    for name, source in packages.items():
        parts[name] = [tree / path.relative_to(source) for path in tree_files(source)]
    for name, files in parts.items():
        counted.update(files)
        rows.append(size_row(name, files))
    rows.append(size_row("other files", [path for path in tree_files(tree) if path not in counted]))

    print(f"{'part of root.erofs':<24}{'bytes':>12}{'deflated':>12}")
    for name, plain, packed in sorted(rows, key=lambda row: -row[2]):
        print(f"{name:<24}{plain:>12,}{packed:>12,}")
    print()
    print(f"{'file':<24}{'bytes':>12}")
    for path in (work / "init", out / "root.erofs", out / "initramfs", out / "vmlinuz", out / "diatom.efi"):
        print(f"{path.name if path.name != 'init' else '/init':<24}{path.stat().st_size:>12,}")
    disk = (out / "diatom.raw").stat()
    print(f"{'diatom.raw':<24}{disk.st_size:>12,}  ({disk.st_blocks * 512:,} on disk)")
    uki = (out / "diatom.efi").stat().st_size
    print(f"\nUKI {uki / (1 << 20):.2f} MiB; goal {GOAL >> 20} MiB, limit {LIMIT >> 20} MiB")
