"""What the measures of engine.py come to: a row for each, ours beside the peers'."""

from __future__ import annotations

import statistics

# name of the measure -> what a person reads, the aim
ROWS = {
    "run_none": ("`run --rm IMAGE true` through the API, network none", "10 times docker, 5 times podman"),
    "run_bridge": ("the same, with bridge", "10 times docker, 5 times podman"),
    "exec": ("exec of `true`", "5 times"),
    "runtime_run": ("`runtime run` of a minimal bundle", "no slower than crun"),
    "burst": ("starts at once, all together", "10 times"),
    "list": ("list of all containers", "5 times, under 20 ms"),
    "pull": ("pull and unpack 10 layers", "twice"),
    "port": ("bytes from a published port, to another host", "equal"),
    "bridge": ("bytes over the bridge, container to container", "equal"),
    "idle": ("memory of the idle engine", "under 12 MB"),
    "cycles": ("memory after create/delete cycles", "no growth"),
    "each": ("memory for an idle container, helpers with it", "under 100 KB"),
}


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in seconds.items()}


def _row(values: dict[str, float], unit: str) -> dict:
    ours = values["diatom"]
    times = {name: round(value / ours, 2) for name, value in values.items() if name != "diatom" and ours > 0}
    return {"unit": unit, "values": values, "times_ours": times}


def compare(results: dict) -> dict:
    """Name of the row -> unit, values, and how many times ours a peer takes. A measure that failed has its reason."""
    rows: dict = {}
    for name, result in results.items():
        if "failed" in result:
            rows[name] = result
        elif name == "many":
            rows["list"] = _row(_medians(result["list_seconds"]), "s")
            rows["burst"] = _row(_medians(result["burst_seconds"]), "s")
            rows["each"] = _row(result["kib_each"], "KiB")
        elif "kib" in result:
            rows[name] = _row(result["kib"], "KiB")
        else:
            rows[name] = _row(_medians(result["seconds"]), "s")
    return rows


def _value(value: float, unit: str) -> str:
    if unit == "KiB":
        return f"{value / 1024:.1f} MiB" if value >= 2048 else f"{value:.1f} KiB"
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def markdown(rows: dict) -> str:
    lines = ["| measure | diatom | peers (times ours) | aim |", "|---|---|---|---|"]
    for name, (text, aim) in ROWS.items():
        if name not in rows:
            continue
        row = rows[name]
        if "failed" in row:
            lines.append(f"| {text} | failed | {row['failed']} | {aim} |")
            continue
        peers = "; ".join(f"{peer} {_value(value, row['unit'])} ({row['times_ours'].get(peer, '-')})" for peer, value in row["values"].items() if peer != "diatom")
        lines.append(f"| {text} | {_value(row['values']['diatom'], row['unit'])} | {peers} | {aim} |")
    return "\n".join(lines) + "\n"
