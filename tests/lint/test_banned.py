"""banned.py finds a seeded violation of each kind and passes what only looks like one."""

from pathlib import Path

import banned
import pytest


def check(root: Path, name: str, text: str) -> list[str]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return banned.check(root)[0]


@pytest.mark.parametrize(
    "call",
    ["::open(path, 0)", "open(path, 0)", "return openat(d, p, 0)", "::fork()", "vfork()", "popen(c, m)", "dup(1)", "::dup2(1, 2)",
     "exit(1)", "std::exit(1)", "system(c)", "std::system(c)", "::execve(p, a, e)", "_exit(1)", "sprintf(b, f)", "x && open(p)"],
)
def test_call_is_found(tmp_path, call):
    errors = check(tmp_path, "src/engine/a.cpp", f"int f() {{\n    {call};\n}}\n")
    assert len(errors) == 1 and errors[0].startswith("src/engine/a.cpp:2: ") and "not allowed here" in errors[0]


@pytest.mark.parametrize(
    "line",
    ["file.open(path);", "file->open(path);", "Cgroup::open(path);", "sys::open_path(p, 0);", "// open(path)", '"open(path)"',
     "Result<Fd> open(const std::string& path);", "void exit(int code);", 'R"(system(1))"', "reopen(p);", "int x = '(' + 1'000;"],
)
def test_other_things_are_not(tmp_path, line):
    assert check(tmp_path, "src/engine/a.cpp", f"{line}\n") == []


def test_own_function_of_that_name_may_be_called(tmp_path):
    assert check(tmp_path, "src/db/a.cpp", "Result<Db> open(int);\nauto f() { return open(1); }\n") == []
    assert len(check(tmp_path, "src/db/a.cpp", "Result<Db> open(int);\nauto f() { return ::open(1); }\n")) == 1


@pytest.mark.parametrize(
    "name", ["src/sys/a.cpp", "src/proc/a.cpp", "src/net/a_test.cpp", "tests/support/a.h", "image/kernel/probe.cpp"]
)
def test_homes_and_tests_are_exempt(tmp_path, name):
    assert check(tmp_path, name, "int f() { return ::open(p, 0) + fork() + dup(1); }\n") == []


def test_exit_is_allowed_nowhere(tmp_path):
    assert len(check(tmp_path, "src/proc/a.cpp", "void f() { ::exit(1); }\n")) == 1
    assert check(tmp_path, "src/proc/a.cpp", "void f() { ::_exit(1); }\n") == []


@pytest.mark.parametrize(
    "loop", ["for (auto x : split(TRY(read(f)), ' ')) use(x);", "for (auto& x : TRY(get(f)).items) use(x);"]
)
def test_loop_over_a_dead_value_is_found(tmp_path, loop):
    (error,) = check(tmp_path, "src/net/a.cpp", f"{loop}\n")
    assert "gone when the loop begins" in error


@pytest.mark.parametrize(
    "loop",
    ["for (auto x : TRY(read(f))) use(x);", "for (auto x : list) TRY(use(x));", "for (int i = 0; i < TRY(n()); ++i) {}",
     "for (auto x : TRY(read(f), \"read {}\", f)) { use(x); }"],
)
def test_loop_over_a_live_value_passes(tmp_path, loop):
    assert check(tmp_path, "src/net/a.cpp", f"{loop}\n") == []


@pytest.mark.parametrize("loop", ["while (a && co_await b()) {}", "while (!a ||\n    (co_await b()).c) {}", "while (a ? co_await b() : c) {}"])
def test_loop_that_awaits_behind_a_condition_is_found(tmp_path, loop):
    (error,) = check(tmp_path, "src/engine/a.cpp", f"{loop}\n")
    assert "GCC 14" in error


@pytest.mark.parametrize("loop", ["while (a && b) co_await c();", "while (co_await b()) {}", "if (a && co_await b()) {}", "while (a) { x = b && co_await c(); }"])
def test_loop_that_awaits_elsewhere_passes(tmp_path, loop):
    assert check(tmp_path, "src/engine/a.cpp", f"{loop}\n") == []


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X", "for " + "now", "Place" + "holder"])
@pytest.mark.parametrize("name", ["src/net/a.cpp", "tools/dev/a.sh", "tests/vm/a.py", "docs/a.md", "image/a.config"])
def test_promise_is_found(tmp_path, word, name):
    (error,) = check(tmp_path, name, f"first\n# {word}: later\n")
    assert error.startswith(f"{name}:2: ")


def test_sizes(tmp_path):
    (error,) = check(tmp_path, "src/net/a.cpp", "int x;\n" * 801)
    assert "801 lines" in error
    (tmp_path / "src/net/a.cpp").write_text("int x;\n" * 351)
    errors, long_files = banned.check(tmp_path)
    assert errors == [] and long_files == ["src/net/a.cpp: 351 lines"]
    (tmp_path / "src/net/a.cpp").write_text("int x;\n" * 350)
    assert banned.check(tmp_path) == ([], [])


def test_main_fails_on_an_error(tmp_path, monkeypatch, capsys):
    check(tmp_path, "src/net/a.cpp", "auto x = ::open(p, 0);\n")
    monkeypatch.setattr("sys.argv", ["banned.py", str(tmp_path)])
    assert banned.main() == 1
    assert "src/net/a.cpp:1" in capsys.readouterr().out
