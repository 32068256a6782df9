"""What the measures of engine.py come to: a row for each, ours beside the peers', and its place in docs/PERFORMANCE.md."""

from __future__ import annotations

import statistics
from pathlib import Path

OURS = "diatom"
BEGIN, END = "<!-- figures of ./dev bench engine, written by it -->\n", "<!-- end of these figures -->\n"

# name of the row -> what a person reads, the aim
ROWS = {
    "run_none": ("`run --rm IMAGE true` through the API, network none", "10 times docker, 5 times podman"),
    "run_bridge": ("the same, with bridge", "10 times docker, 5 times podman"),
    "runtime_run": ("`runtime run` of a minimal bundle", "no slower than crun"),
    "burst": ("{count} starts at once, all together", "10 times"),
    "each": ("memory for an idle container, helpers with it, at {count}", "under 100 KB"),
    "exec": ("exec of `true`", "5 times"),
    "list": ("list of {count} containers", "5 times, under 20 ms"),
    "pull": ("pull and unpack 10 layers, {bytes} MB, local registry", "twice"),
    "port": ("{bytes} MB from a published port, to another host", "equal"),
    "bridge": ("{bytes} MB over the bridge, container to container", "equal"),
    "many_ports": ("start with 32 published ports beside {count} others", "as on an empty host"),
    "idle": ("memory of the idle engine", "under 12 MB"),
    "cycles": ("growth of memory over {count} create/delete cycles", "none"),
}


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in seconds.items() if values}


def _row(result: dict, values: dict[str, float], unit: str, counts: dict[str, int] | None = None) -> dict:
    row = {"unit": unit, "values": values, "fell": result.get("fell", {})}
    ours = values.get(OURS, 0)
    row["times_ours"] = {name: round(value / ours, 2) for name, value in values.items() if name != OURS and ours > 0 and value > 0}
    if counts:
        row["counts"] = counts
    if "bytes" in result:
        row["bytes"] = result["bytes"]
    return row


def compare(results: dict) -> dict:
    """Name of the row -> unit, values, and how many times ours a peer takes. A measure that failed has its reason."""
    rows: dict = {}
    for name, result in results.items():
        if "failed" in result:
            rows[name] = result
        elif name == "crowd":
            rows["list"] = _row(result, _medians(result["list_seconds"]), "s", result["listed"])
            rows["burst"] = _row(result, _medians(result["burst_seconds"]), "s", result["burst"])
            rows["each"] = _row(result, result["kib_each"], "KiB", result["running"])
        elif name == "cycles":
            rows[name] = _row(result, result["kib_more"], "KiB more", result["counts"])
        elif name == "many_ports":
            rows[name] = _row(result, _medians(result["seconds"]), "s", {OURS: result["others"]})
        elif "kib" in result:
            rows[name] = _row(result, result["kib"], "KiB")
        else:
            rows[name] = _row(result, _medians(result["seconds"]), "s")
    return rows


def _value(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"
    sign = "+" if unit == "KiB more" else ""
    return f"{value / 1024:{sign}.1f} MiB" if abs(value) >= 2048 else f"{value:{sign}.0f} KiB"


def _peer(name: str, row: dict) -> str:
    """Its figure, in brackets how many times ours, and the count where it is another than ours."""
    text = f"{name} {_value(row['values'][name], row['unit'])}"
    if name in row["times_ours"] and row["unit"] != "KiB more":
        text += f" ({row['times_ours'][name]})"
    counts = row.get("counts", {})
    if name in counts and counts[name] != counts.get(OURS):
        text += f" with {counts[name]:,}"
    return text


def _line(name: str, row: dict) -> str:
    text, aim = ROWS[name]
    if "failed" in row:
        return f"| {text} | failed | {row['failed']} | {aim} |"
    count = row.get("counts", {}).get(OURS, 0)
    text = text.format(count=f"{count:,}", bytes=row.get("bytes", 0) // 1_000_000)
    ours = _value(row["values"][OURS], row["unit"]) if OURS in row["values"] else "failed"
    peers = [_peer(peer, row) for peer in row["values"] if peer != OURS]
    peers += [f"{peer} failed" for peer in row["fell"] if peer != OURS]
    return f"| {text} | {ours} | {'; '.join(peers)} | {aim} |"


def markdown(rows: dict) -> str:
    lines = ["| measure | diatom | peers (times ours) | aim |", "|---|---|---|---|"]
    return "\n".join(lines + [_line(name, rows[name]) for name in ROWS if name in rows]) + "\n"


def write_into(document: Path, text: str) -> None:
    """Between the markers; what stands around them stays."""
    before, rest = document.read_text().split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(f"{before}{BEGIN}{text}{END}{after}")
