"""Compares what kernel-hardening-checker fails with what HARDENING.md explains. Called by check-hardening.sh."""

import json
import re
import subprocess
import sys
import tempfile

# A row of HARDENING.md:  | kconfig | `CONFIG_X` `CONFIG_Y` | reason |
ROW = re.compile(r"^\| (kconfig|cmdline|sysctl) \| ((?:`[^`]+` ?)+)\| (.+) \|$")


def run_checker(config, cmdline, sysctl):
    with tempfile.NamedTemporaryFile("w", suffix=".sysctl") as plain:
        plain.writelines(line for line in open(sysctl) if line.strip() and not line.startswith("#"))
        plain.flush()
        done = subprocess.run(
            [sys.executable, "-c", "import kernel_hardening_checker as k; k.main()",
             "-c", config, "-l", cmdline, "-s", plain.name, "-m", "json"],
            capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check-hardening: the checker did not run:\n{done.stdout}{done.stderr}")
    results = json.loads(done.stdout)
    kinds = {r["type"] for r in results}
    if kinds != {"kconfig", "cmdline", "sysctl"}:
        sys.exit(f"check-hardening: the checker looked at {sorted(kinds)} only")
    return results


def read_explained(path):
    explained = {}
    for number, line in enumerate(open(path), 1):
        if not line.startswith(("| kconfig", "| cmdline", "| sysctl")):
            continue
        row = ROW.match(line.rstrip())
        if not row:
            sys.exit(f"{path}:{number}: not a row of the form | type | `NAME` ... | reason |")
        for name in re.findall(r"`([^`]+)`", row[2]):
            if (row[1], name) in explained:
                sys.exit(f"{path}:{number}: {name} is explained twice")
            explained[row[1], name] = number
    return explained


def main():
    config, cmdline, sysctl, explanations = sys.argv[1:]
    results = run_checker(config, cmdline, sysctl)
    failed = {(r["type"], r["option_name"]): r for r in results if not r["check_result_bool"]}
    explained = read_explained(explanations)
    problems = [
        f"{kind} {name}: wanted {r['desired_val']!r}, {r['check_result']}: correct it, or explain it in HARDENING.md"
        for (kind, name), r in failed.items() if (kind, name) not in explained
    ] + [
        f"HARDENING.md:{number}: {kind} {name} no longer fails: take it out"
        for (kind, name), number in explained.items() if (kind, name) not in failed
    ]
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    print(f"check-hardening: {len(results) - len(failed)} of {len(results)} recommendations followed, "
          f"{len(failed)} left out, {len(problems)} unexplained or out of date")
    sys.exit(1 if problems else 0)


main()
