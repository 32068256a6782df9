"""What Debian's ignition makes of a directory, and what a first boot of ours makes of the same: the same files,
directories and links, with modes, owners and contents, and the same accounts. Where it fails, ours stops the boot."""

import gzip
import http.server
import os
import shutil
import stat
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
OURS = os.environ.get("IGNITION_TREE", str(HERE.parents[1] / "build/asan/ignition_tree"))
ORACLE = "/usr/lib/dracut/modules.d/30ignition/ignition"
TREES = sorted((HERE / "trees").glob("*.ign"))
DIFFERENCES = yaml.safe_load((HERE / "tree_differences.yml").read_text())

# What the machine had before: a mapping is a directory, a text a link, a file has a mode, a text and maybe its owners.
BEFORE = {
    "etc": {
        "passwd": (
            0o644,
            "root:x:0:0:root:/root:/bin/sh\ngames:x:5:60:games:/usr/games:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
        ),
        "group": (0o644, "root:x:0:\ngames:x:60:\nusers:x:100:\nidle:x:300:\nnogroup:x:65534:\n"),
        "shadow": (0o640, "root:*:20000:0:99999:7:::\ngames:*:20000:0:99999:7:::\nnobody:*:20000:0:99999:7:::\n"),
        "motd": (0o640, "old\n"),
        "link": "motd",
        "alias": "/opt/there",
        "outwards": "../../../../../../../opt",
        "conf.d": {"a": (0o600, "a\n")},
        "of-others": (0o604, "theirs\n", 77, 78),
    },
    "opt": {"there": {"file": (0o644, "here before\n")}},
    "root": {},
    "home": {},
    "usr": {"bin": {}},
    "var": {"private": {}},
    "srv": {},
    "run": {},
    "tmp": {},
}
# What is each one's own: where it keeps what it knows.
ALONE = {
    "etc/.ignition-result.json", "etc/.pwd.lock", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow", "etc/gshadow-",
    "etc/subuid", "etc/subgid", "etc/subuid-", "etc/subgid-", "etc/login.defs", "etc/selinux", "etc/default", "etc/default/useradd",
    "usr/share", "var/lib", "var/mail", "run", "proc",
}  # fmt: skip
ACCOUNTS = {"etc/passwd", "etc/group", "etc/shadow"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    attempts: dict[str, int] = {}

    def do_GET(self) -> None:
        port = self.server.server_port
        refusals = self.attempts.get(self.path, 0)
        if self.path == "/moved":
            return self.answer(302, b"", {"Location": f"http://127.0.0.1:{port}/plain"})
        if self.path == "/late" and refusals < 2:
            self.attempts[self.path] = refusals + 1
            return self.answer(503, b"not yet")
        if self.path == "/header":
            return self.answer(200, (self.headers.get("X-Token") or "nothing").encode())
        if self.path == "/packed":
            return self.answer(200, gzip.compress(b"packed\n"))
        self.answer(200 if self.path in ("/plain", "/late") else 404, b"fetched\n")

    def answer(self, code: int, body: bytes, headers: dict[str, str] = {}) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()


def plant(directory: Path, tree: dict) -> None:
    directory.mkdir(mode=0o755, exist_ok=True)
    directory.chmod(0o755)
    for name, node in tree.items():
        place = directory / name
        if isinstance(node, dict):
            plant(place, node)
        elif isinstance(node, str):
            place.symlink_to(node)
        else:
            place.write_text(node[1])
            os.chown(place, *(node[2:] or (0, 0)))
            place.chmod(node[0])


@dataclass
class Outcome:
    ok: bool
    said: str
    nodes: dict[str, tuple] = field(default_factory=dict)
    accounts: dict[str, tuple] = field(default_factory=dict)


def node(path: Path) -> tuple:
    found = path.lstat()
    owners = (found.st_uid, found.st_gid)
    if stat.S_ISLNK(found.st_mode):
        return ("link", owners, os.readlink(path))
    mode = oct(stat.S_IMODE(found.st_mode))
    if stat.S_ISDIR(found.st_mode):
        return ("directory", owners, mode)
    # A hard link has its other name's number.
    return ("file", owners, mode, found.st_nlink, path.read_bytes())


def nodes_of(root: Path) -> dict[str, tuple]:
    nodes = {}
    for directory, names, files in os.walk(root):
        here = Path(directory).relative_to(root)
        names[:] = [name for name in names if str(here / name) not in ALONE]
        for name in names + files:
            path = str(here / name)
            if path not in ALONE | ACCOUNTS:
                nodes[path] = node(root / path)
    return nodes


def rows(root: Path, name: str) -> dict[str, list[str]]:
    lines = (root / "etc" / name).read_text().splitlines()
    return {line.split(":")[0]: line.split(":")[1:] for line in lines if line}


def accounts_of(root: Path) -> dict[str, tuple]:
    groups, shadow = rows(root, "group"), rows(root, "shadow")
    accounts: dict[str, tuple] = {}
    for name, (_, uid, gid, comment, home, shell) in rows(root, "passwd").items():
        # Without a password: "!" and "*" say the same, and so does no line.
        password = shadow.get(name, ["!"])[0]
        accounts[f"user {name}"] = (uid, gid, comment, home, shell, password if password[:1] == "$" else "!")
    for name, (_, gid, members) in groups.items():
        accounts[f"group {name}"] = (gid, sorted(filter(None, members.split(","))))
    return accounts


class Machines:
    """Two machines that are alike, and a document for both."""

    def __init__(self, directory: Path, document: str) -> None:
        self.directory = directory
        directory.chmod(0o755)
        self.document = document

    def root(self, name: str) -> Path:
        root = self.directory / name
        plant(root, BEFORE)
        os.chown(root / "var/private", 77, 78)
        (root / "var/private").chmod(0o710)
        return root

    def theirs(self) -> Outcome:
        root = self.root("theirs")
        (root / "etc/gshadow").write_text("")
        (root / "etc/default").mkdir()
        # What a distribution says to useradd: groups of one's own, homes of mode 0700.
        for name in ("login.defs", "default/useradd"):
            shutil.copy(Path("/etc") / name, root / "etc" / name)
        # Debian's is built to label what it wrote for SELinux, which neither machine has.
        (root / "etc/selinux").mkdir()
        (root / "etc/selinux/config").write_text("SELINUX=disabled\nSELINUXTYPE=targeted\n")
        (self.directory / "setfiles").symlink_to("/bin/true")
        config = self.directory / "config.ign"
        config.write_text(self.document)
        said = ""
        for stage in ("fetch", "files"):
            command = [ORACLE, "--platform=file", f"--stage={stage}", "--log-to-stdout", f"--root={root}"]
            command += [f"--{kept}={self.directory / kept}" for kept in ("config-cache", "state-file", "neednet")]
            ran = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=120,
                cwd=self.directory,
                env={
                    "PATH": f"{self.directory}:{os.environ['PATH']}",
                    "IGNITION_CONFIG_FILE": str(config),
                    "IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT": "false",
                },
            )
            said += ran.stdout + ran.stderr
            if ran.returncode != 0:
                return Outcome(False, said)
        return Outcome(True, said, nodes_of(root), accounts_of(root))

    def ours(self) -> Outcome:
        root = self.root("ours")
        etc = root / "usr/share/diatom/etc"
        etc.mkdir(parents=True)
        for name in ("passwd", "group", "shadow"):
            shutil.copy(root / "etc" / name, etc / name)
        (root / "usr/share/diatom/machine.yml").write_text("ssh: {enabled: false}\n")
        (root / "proc").mkdir()
        (root / "proc/cmdline").write_text("quiet\n")
        item = root / "run/firmware/by_name/opt/com.coreos/config"
        item.mkdir(parents=True)
        (item / "raw").write_text(self.document)
        # The search for leaks needs the /proc that the root has not.
        environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
        ran = subprocess.run([OURS, str(root)], capture_output=True, text=True, timeout=120, env=environment)
        assert ran.returncode in (0, 1), ran.stdout + ran.stderr
        said = ran.stdout + ran.stderr
        return Outcome(ran.returncode == 0, said, nodes_of(root), accounts_of(root))


def different(theirs: dict, ours: dict) -> dict[str, str]:
    return {
        name: f"theirs {theirs.get(name)}, ours {ours.get(name)}"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name) != ours.get(name)
    }


def listed(name: str) -> dict[str, str]:
    """The differences that are meant in a document: what differs, and why."""
    return {what: entry["why"] for entry in DIFFERENCES for what in entry["where"].get(name, [])}


@pytest.mark.parametrize("path", TREES, ids=lambda path: path.stem)
def test_same_tree(path: Path, server: str) -> None:
    # Not pytest's: Ignition writes keys as the user whose they are, who must get there.
    with tempfile.TemporaryDirectory() as directory:
        machines = Machines(Path(directory), path.read_text().replace("SERVER", server))
        Handler.attempts.clear()
        theirs = machines.theirs()
        Handler.attempts.clear()
        ours = machines.ours()
    found = {}
    if theirs.ok != ours.ok:
        failed = [line for line in theirs.said.splitlines() if line.startswith("CRITICAL")]
        found["outcome"] = f"theirs {theirs.ok}: {failed}\nours {ours.ok}: {ours.said}"
    elif theirs.ok:
        found = different(theirs.nodes, ours.nodes) | different(theirs.accounts, ours.accounts)
    unmeant = {what: how for what, how in found.items() if what not in listed(path.stem)}
    assert not unmeant, "\n".join(f"{what}: {how}" for what, how in unmeant.items()) + "\n" + ours.said
    gone = listed(path.stem).keys() - found.keys()
    assert not gone, f"listed in tree_differences.yml, and no difference any more: {gone}"


def test_corpus_is_large() -> None:
    assert len(TREES) >= 40


def test_listed_documents_are_there() -> None:
    names = {path.stem for path in TREES}
    assert names >= {name for entry in DIFFERENCES for name in entry["where"]}
