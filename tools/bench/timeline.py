"""The boot as a picture: one bar a phase, drawn from what `diatom boot --json` says of a machine just booted."""

from __future__ import annotations

import tempfile
from html import escape
from pathlib import Path

from vm.config import REPO
from vm.machine import Machine

from .boot import BOOT_SECONDS, MEMORY, fresh_config
from .phases import Phase, phases_of

SETTLED = {"container network ready", "container ntp ready", "container udev ready"}  # the last of a boot
LABELS, WIDTH, ROW, TOP = 190, 860, 22, 30  # pixels; the labels stand left of the bars
COLOURS = {"kernel": "#6e7781", "PID 1": "#0969da", "system engine": "#1a7f37", "system containers": "#2da44e", "user engine": "#bf3989"}


def draw(phases: list[Phase], title: str) -> str:
    last = max(phase.end for phase in phases)
    scale = (WIDTH - LABELS - 70) / last
    height = TOP + ROW * len(phases) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="19" font-size="14" fill="#1f2328">{escape(title)}</text>',
    ]
    bottom = TOP + ROW * len(phases)
    for second in range(int(last / 1000) + 1):
        x = LABELS + second * 1000 * scale
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" stroke="#d8dee4"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 14}" text-anchor="middle" fill="#59636e">{second} s</text>')
    for row, phase in enumerate(phases):
        y = TOP + row * ROW
        width = max((phase.end - phase.begin) * scale, 2)
        x = LABELS + phase.begin * scale
        parts.append(f'<text x="{LABELS - 8}" y="{y + 15}" text-anchor="end" fill="#1f2328">{escape(phase.name.removeprefix("container "))}</text>')
        parts.append(f'<rect x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="{ROW - 8}" rx="2" fill="{COLOURS[phase.kind]}"/>')
        parts.append(f'<text x="{x + width + 5:.1f}" y="{y + 15}" fill="#59636e">{phase.end - phase.begin:.0f} ms</text>')
    x = LABELS
    for kind, colour in COLOURS.items():
        parts.append(f'<rect x="{x}" y="{bottom + 28}" width="10" height="10" fill="{colour}"/><text x="{x + 15}" y="{bottom + 37}" fill="#59636e">{kind}</text>')
        x += 30 + 7 * len(kind)
    return "\n".join([*parts, "</svg>", ""])


def measure(_arguments) -> dict:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        with Machine(fresh_config(Path(name), MEMORY)) as machine:
            # The first boot formats the disk: the second is the usual one.
            machine.start()
            machine.wait_api(BOOT_SECONDS)
            machine.powerdown(120)
            machine.start()
            machine.wait_api(BOOT_SECONDS)
            # Seldom: each look is a process in the machine that is measured.
            machine.wait_until(lambda: SETTLED <= {phase.name for phase in phases_of(machine)}, BOOT_SECONDS, "the last system container", pause=1)
            phases = phases_of(machine)
            machine.powerdown(120)
    picture = REPO / "build/bench/timeline.svg"
    picture.write_text(draw(phases, "A boot of Diatom OS, QEMU, software emulation, two cores"))
    return {"picture": str(picture.relative_to(REPO)), "phases": [[phase.name, round(phase.begin), round(phase.end)] for phase in phases]}
