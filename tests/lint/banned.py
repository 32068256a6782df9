#!/usr/bin/env python3
"""Checks what neither compiler nor clang-tidy does: calls with one home, words that promise later work, file sizes.

usage: banned.py [REPOSITORY]
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

MAX_LINES = 800
LONG_LINES = 350
TREES = ("src", "tests", "tools", "cmake", "image", "docs")
SOURCES = {".h", ".cpp"}
TEXTS = SOURCES | {".py", ".sh", ".cmake", ".txt", ".md", ".yml", ".yaml", ".config", ""}
STANDALONE = "src/boot/"  # a program of its own, without our libraries
SELF = "tests/lint/"  # speaks of the banned words


@dataclass(frozen=True)
class Call:
    names: str  # alternatives of a regular expression
    homes: tuple[str, ...]  # where they are allowed
    instead: str


CALLS = (
    Call("open|openat|openat2|creat", ("src/sys/", "src/proc/"), "use sys::open_path, open_at or open_in_root"),
    Call("dup|dup2|dup3", ("src/sys/", "src/proc/", "src/runtime/"), "pass descriptors with proc::spawn or sys::send_message"),
    Call("fork|vfork|clone|clone3|posix_spawnp?|popen|system", ("src/sys/", "src/proc/"), "use proc::spawn or proc::run"),
    Call("exec[lv]p?e?|execveat|fexecve", ("src/proc/", "src/runtime/"), "use proc::spawn"),
    Call("_exit|_Exit", ("src/proc/", "src/runtime/"), "return an exit code"),
    Call("exit|quick_exit", (), "return an exit code"),
    Call("gets|strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|mktemp|tmpnam|alloca", (), "it has no safe use"),
)
# A call: not a member's, not another namespace's, not a declaration (a type stands before the name there).
CALL_BEFORE = r"(?<![\w.:~])(?<!->)(?P<scope>::|std::)?"
DECLARES = r"(?:\b(?:void|bool|auto|int|Fd|Child)|[>*]|(?<!&)&)\s+(?:\w+::)*"
LATER = [
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "finish it, or open an issue"),
    (re.compile(r"\bfor now\b|\bplaceholder\b", re.IGNORECASE), "say what it does, not what it will do"),
]


def blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(text: str) -> str:
    """The text with comments and literals blanked, so that lines and columns stay."""
    pattern = r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\''
    return re.sub(pattern, blank, text, flags=re.DOTALL)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def closing(text: str, position: int) -> int:
    """The position of the bracket that closes the one at `position`, or the end."""
    depth = 0
    for i in range(position, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    return len(text)


def is_declaration(code: str, start: int) -> bool:
    before = code[max(0, start - 60) : start].rstrip()
    word = re.search(r"([\w>&*]+)$", before)
    return bool(word) and word.group(1) not in {"return", "co_return", "co_await", "case", "else", "&&", "&"}


def banned_calls(name: str, code: str) -> list[str]:
    errors = []
    for call in CALLS:
        if not name.startswith("src/") or name.startswith(STANDALONE) or name.startswith(call.homes) or name.endswith("_test.cpp"):
            continue
        for found in re.finditer(CALL_BEFORE + rf"\b(?P<name>{call.names})\s*\(", code):
            own = re.search(DECLARES + re.escape(found["name"]) + r"\s*\(", code)
            if not found["scope"] and (own or is_declaration(code, found.start())):
                continue
            errors.append(f"{name}:{line_of(code, found.start())}: {found['name']}() is not allowed here: {call.instead}")
    return errors


def dangling_loops(name: str, code: str) -> list[str]:
    """for (x : f(TRY(y))): the value of TRY dies before the loop runs (until GCC 15 and P2718)."""
    errors = []
    for found in re.finditer(r"\bfor\s*\(", code):
        header = code[found.end() : closing(code, found.end() - 1)]
        colon = re.search(r"(?<!:):(?!:)", header)
        if not colon or ";" in header:
            continue
        source = header[colon.end() :].strip()
        at = source.find("TRY(")
        whole = source.startswith("TRY(") and closing(source, 3) == len(source) - 1
        if at >= 0 and not whole:
            errors.append(f"{name}:{line_of(code, found.start())}: the loop's source refers into a value that TRY gave and "
                          "that is gone when the loop begins: name it first")
    return errors


def awaiting_loops(name: str, code: str) -> list[str]:
    """while (a && co_await b): GCC 14 awaits b first, whatever a is."""
    errors = []
    for found in re.finditer(r"\bwhile\s*\(", code):
        condition = code[found.end() : closing(code, found.end() - 1)]
        if re.search(r"(&&|\|\||\?).*\bco_await\b", condition, re.DOTALL):
            errors.append(f"{name}:{line_of(code, found.start())}: GCC 14 awaits in a loop's condition whatever stands "
                          "before: await in the loop's body")
    return errors


def promises(name: str, text: str) -> list[str]:
    if name.startswith(SELF):
        return []
    errors = []
    for pattern, advice in LATER:
        for found in pattern.finditer(text):
            errors.append(f'{name}:{line_of(text, found.start())}: "{found.group(0)}": {advice}')
    return errors


def text_files(root: Path) -> list[Path]:
    found = [p for tree in TREES for p in (root / tree).rglob("*") if p.is_file() and p.suffix in TEXTS]
    found += [p for p in (root / "CMakeLists.txt", root / "dev", root / "README.md") if p.is_file()]
    return sorted(p for p in found if "corpus" not in p.parts and "__pycache__" not in p.parts)


def check(root: Path) -> tuple[list[str], list[str]]:
    """Errors, and files that are long but not too long."""
    errors, long_files = [], []
    for path in text_files(root):
        name = str(path.relative_to(root))
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        errors += promises(name, text)
        lines = text.count("\n")
        if path.suffix in SOURCES | {".py", ".sh"}:
            if lines > MAX_LINES:
                errors.append(f"{name}: {lines} lines, at most {MAX_LINES} are allowed: split it by concern")
            elif lines > LONG_LINES:
                long_files.append(f"{name}: {lines} lines")
        if path.suffix in SOURCES:
            code = code_of(text)
            errors += banned_calls(name, code) + dangling_loops(name, code) + awaiting_loops(name, code)
    return errors, long_files


def main() -> int:
    errors, long_files = check(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    for item in long_files:
        print(f"long, not an error: {item}")
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
