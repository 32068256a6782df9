"""Runs in a Debian userland on our kernel, from the disk at /bench: the OCI runtime's suite with cgroups of version 2, then
Debian's podman and containerd with our runtime. Prints one line: runtime-result {test: "passed" or what went wrong}."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import traceback
import xml.etree.ElementTree
from pathlib import Path

SUITE = Path("/bench")
RUNTIME = Path("/usr/local/sbin/diatom-runtime")
SETTINGS = json.loads((SUITE / "settings.json").read_text())
SECONDS = 600


def say(text: str) -> None:
    print(f"runtime: {text}", flush=True)


def run(*argv: str, check: bool = True, **options) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=SECONDS, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def prepare() -> None:
    shutil.copy(SUITE / "diatom", RUNTIME)
    shutil.copy(SUITE / "busybox", "/bin/busybox")
    Path("/etc/containers").mkdir(parents=True, exist_ok=True)
    # No systemd here, and no image is ever pulled.
    Path("/etc/containers/containers.conf").write_text('[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    Path("/etc/containers/policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}\n')


def suite() -> dict[str, str]:
    """The black-box suite, with the oracles."""
    # The root of the suite's cgroups must not hold processes: this one lives in a group below it already.
    report = Path("/tmp/report.xml")
    environment = os.environ | {
        "PYTHONPATH": str(SUITE / "site"),
        "DIATOM_RUNTIME": str(RUNTIME),
        "DIATOM_RUNTIMES": SETTINGS["runtimes"],
    }
    arguments = ["-q", "-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}", str(SUITE / "runtime"), *SETTINGS["pytest"]]
    done = run("python3", "-m", "pytest", *arguments, env=environment, cwd="/tmp", check=False)
    if not report.exists():
        raise AssertionError(f"the suite ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    results = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        problem = next((child for child in case if child.tag in ("failure", "error")), None)
        name = f"suite {case.get('classname').rsplit('.', 1)[-1]} {case.get('name')}"
        if problem is not None:
            results[name] = (problem.text or problem.get("message"))[-800:]
        elif case.find("skipped") is None:
            results[name] = "passed"
    return results


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return run("podman", "--runtime", str(RUNTIME), *arguments, check=check)


def in_box(*arguments: str, check: bool = True) -> str:
    return podman("run", "--rm", "--network", "none", *arguments, check=check).stdout


def equal(found, expected) -> None:
    assert found == expected, f"{found!r} is not {expected!r}"


def podman_runs() -> None:
    equal(in_box("busybox", "echo", "hello"), "hello\n")
    done = podman("run", "--rm", "--network", "none", "busybox", "sh", "-c", "echo err >&2; exit 7", check=False)
    equal((done.returncode, done.stderr), (7, "err\n"))


def podman_says_what_is_missing() -> None:
    for program, code in (("nonesuch", 127), ("/etc/notexec", 126)):
        equal(podman("run", "--rm", "--network", "none", "busybox", program, check=False).returncode, code)


def podman_limits() -> None:
    out = in_box("--memory", "64m", "--pids-limit", "20", "--cpus", "0.5", "busybox", "sh", "-c", "cd /sys/fs/cgroup; cat memory.max pids.max cpu.max")
    equal(out.split(), [str(64 << 20), "20", "50000", "100000"])


def podman_confines() -> None:
    out = in_box("--read-only", "--user", "1000:1000", "--hostname", "carton", "--tmpfs", "/scratch", "--sysctl", "net.ipv4.ip_forward=1", "--ulimit", "nofile=99:99",
                 "busybox", "sh", "-c", "touch /x 2>&1; id -u; hostname; touch /tmp/y && echo tmp; cat /proc/sys/net/ipv4/ip_forward; ulimit -n")  # fmt: skip
    equal(out.splitlines(), ["touch: /x: Read-only file system", "1000", "carton", "tmp", "1", "99"])


def podman_mounts() -> None:
    Path("/tmp/given").mkdir(exist_ok=True)
    Path("/tmp/given/file").write_text("given\n")
    out = in_box("-v", "/tmp/given:/given:ro", "-v", "named:/named", "busybox", "sh", "-c", "cat /given/file; touch /given/x 2>&1; touch /named/x && echo named")
    equal(out.splitlines(), ["given", "touch: /given/x: Read-only file system", "named"])


def podman_user_namespaces() -> None:
    out = in_box("--uidmap", "0:100000:2000", "--gidmap", "0:100000:2000", "busybox", "sh", "-c", "tr -s ' ' < /proc/self/uid_map; touch /tmp/x; stat -c %u /tmp/x")
    equal(out.split(), ["0", "100000", "2000", "0"])


def podman_lives() -> None:
    podman("run", "-d", "--name", "box", "--network", "none", "busybox", "sh", "-c", "echo begun; trap 'echo got; exit 3' TERM; while :; do sleep 0.1; done")
    equal(podman("exec", "-e", "A=b", "-w", "/tmp", "box", "sh", "-c", "echo $A; pwd; exit 0").stdout, "b\n/tmp\n")
    equal(podman("exec", "box", "nonesuch", check=False).returncode, 127)
    podman("pause", "box")
    equal(podman("inspect", "-f", "{{.State.Status}}", "box").stdout, "paused\n")
    podman("unpause", "box")
    podman("update", "--memory", "96m", "box")
    equal(podman("exec", "box", "cat", "/sys/fs/cgroup/memory.max").stdout, f"{96 << 20}\n")
    assert "sleep" in podman("top", "box").stdout
    podman("stats", "--no-stream", "box")
    podman("stop", "-t", "20", "box")
    equal(podman("inspect", "-f", "{{.State.ExitCode}}", "box").stdout, "3\n")
    equal(podman("logs", "box").stdout, "begun\ngot\n")
    podman("start", "box")
    podman("kill", "box")
    podman("wait", "box")
    podman("rm", "box")
    equal(podman("ps", "-aq").stdout, "")


def podman_terminals() -> None:
    arguments = ["run", "--rm", "--network", "none", "-t", "busybox", "sh", "-c", "test -t 1 && echo terminal"]
    output = podman(*arguments).stdout
    assert "terminal" in output, output
    equal(output, run("podman", "--runtime", "crun", *arguments).stdout)


def podman_privileged() -> None:
    out = in_box("--privileged", "busybox", "sh", "-c", "grep CapEff /proc/self/status; mount -t tmpfs none /tmp && echo mounted")
    assert "mounted" in out, out


def podman_pods() -> None:
    podman("pod", "create", "--name", "pod", "--infra=false", "--share", "")
    equal(podman("run", "--rm", "--pod", "pod", "--network", "none", "busybox", "echo", "in the pod").stdout, "in the pod\n")
    podman("pod", "rm", "-f", "pod")


def containerd() -> None:
    log = open("/tmp/containerd.log", "w")
    daemon = subprocess.Popen(["containerd"], stdout=log, stderr=log)
    try:
        for _ in range(200):
            if run("ctr", "version", check=False).returncode == 0:
                break
        run("ctr", "image", "import", str(SUITE / "busybox.tar"))
        image = run("ctr", "image", "ls", "-q").stdout.split()[0]
        box = ["ctr", "run", "--rm", "--runc-binary", str(RUNTIME), image]
        equal(run(*box, "one", "echo", "hello").stdout, "hello\n")
        equal(run(*box, "two", "sh", "-c", "exit 7", check=False).returncode, 7)
        run("ctr", "run", "-d", "--runc-binary", str(RUNTIME), image, "three", "sleep", "1000")
        equal(run("ctr", "task", "exec", "--exec-id", "e", "three", "echo", "in it").stdout, "in it\n")
        run("ctr", "task", "pause", "three")
        assert "PAUSED" in run("ctr", "task", "ls").stdout
        run("ctr", "task", "resume", "three")
        run("ctr", "task", "metrics", "three")
        run("ctr", "task", "kill", "-s", "SIGKILL", "three")
        run("ctr", "task", "delete", "three", check=False)
        run("ctr", "container", "delete", "three")
    finally:
        daemon.terminate()
        daemon.wait()


def engines() -> dict[str, str]:
    results = {}
    say("podman load")
    podman("load", "-q", "-i", str(SUITE / "busybox.tar"))
    podman("tag", "localhost/busybox:latest", "busybox", check=False)
    for test in (podman_runs, podman_says_what_is_missing, podman_limits, podman_confines, podman_mounts, podman_user_namespaces, podman_lives, podman_terminals, podman_privileged, podman_pods, containerd):
        say(test.__name__)
        try:
            test()
            results[test.__name__] = "passed"
        except Exception:  # noqa: BLE001 - whatever it is, it is what the test says
            results[test.__name__] = traceback.format_exc()[-800:]
    return results


found: dict[str, str] = {}
try:
    prepare()
    if SETTINGS["engines"]:
        found |= engines()
    found |= suite()
except Exception:  # noqa: BLE001
    found["the run itself"] = traceback.format_exc()[-2000:]
print("runtime-result " + json.dumps(found), flush=True)
