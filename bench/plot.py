# SPDX-License-Identifier: Apache-2.0
"""Draws the summary of a run as SVG: a panel for each measure, a bar for each target."""

from html import escape

COLOURS = {"tinderbox": "#d9541e", "floor": "#7d8590", "echo": "#c9d1d9"}
TITLES = {
    "start": "Server ready",
    "cold": "Cold start, p50",
    "warm": "Warm invoke, p50",
    "throughput": "Throughput, 16 connections",
    "memory": "Memory per idle function",
    "burst": "Burst of cold calls, in all",
    "many": "A thousand functions, part of what one gets",
    "defined": "Server with 10,000 functions ready",
    "logs": "Lines a second that slow an invocation by 5 %",
    "put_logs": "PutLogEvents, one caller",
    "topic": "Topic to queue, to sending to the queue",
    "objects": "GET of 1 MB, to nginx",
    "notified": "From an object to its function, p50",
    "interference": "p99 beside bad neighbours, to p99 alone",
}
COLUMNS, WIDTH, BAR, LABEL, GAP = 2, 460, 18, 130, 34


def draw(rows, machine):
    panels = [panel(rows, measure) for measure in TITLES]
    panels = [panel for panel in panels if panel]
    y, body = 70, []
    for index in range(0, len(panels), COLUMNS):
        line = panels[index : index + COLUMNS]
        for column, (drawing, _) in enumerate(line):
            body.append(f'<g transform="translate({20 + column * (WIDTH + 20)},{y})">{drawing}</g>')
        y += max(height for _, height in line) + GAP
    width = 40 + COLUMNS * WIDTH + (COLUMNS - 1) * 20
    about = f"{machine['time']}, {machine['cores']} cores, Linux {machine['kernel']}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" viewBox="0 0 {width} {y}" '
        f'font-family="system-ui, sans-serif" font-size="12">\n<rect width="{width}" height="{y}" fill="#fff"/>\n'
        f'<text x="20" y="28" font-size="18" font-weight="600">Tinderbox and what the machine allows</text>\n'
        f'<text x="20" y="48" fill="#57606a">{escape(about)}; lines show the range of the rounds</text>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def panel(rows, measure):
    """The bars of the measure's main figure, and the height they take."""
    own = [row for row in rows if row["measure"] == measure]
    own = [row for row in own if row["figure"] == own[0]["figure"]]
    if not own:
        return None
    scale = (WIDTH - LABEL - 130) / max(max(row["highest"] for row in own), 1e-9)
    parts = [f'<text y="0" font-weight="600">{escape(TITLES[measure])} ({escape(own[0]["unit"])})</text>']
    y, kind = 12, object()
    for row in own:
        if row["kind"] != kind:
            kind = row["kind"]
            y += 6
            parts.append(f'<text y="{y + 13}" fill="#57606a">{escape(kind or "")}</text>')
        parts.append(bar(row, y, scale))
        y += BAR + 2
    return "".join(parts), y


def bar(row, y, scale):
    length, middle = max(1.0, row["value"] * scale), y + BAR / 2
    ratio = f"  ({row['to_floor']:.2f} x)" if row["to_floor"] else ""
    end = LABEL + max(length, row["highest"] * scale) + 6
    return (
        f'<text x="60" y="{y + 13}">{escape(row["target"])}</text>'
        f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{COLOURS[row["target"]]}"/>'
        f'<line x1="{LABEL + row["lowest"] * scale:.1f}" x2="{LABEL + row["highest"] * scale:.1f}" y1="{middle}" y2="{middle}" '
        'stroke="#24292f"/>'
        f'<text x="{end:.1f}" y="{y + 13}">{number(row["value"])}{ratio}</text>'
    )


def number(value):
    """Three digits or more."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"
