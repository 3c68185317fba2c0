#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Tinderbox next to a bare server, in the same run.

    python3 bench/run.py                 three rounds of everything: some half an hour
    python3 bench/run.py --quick         one short round, to see that it works

Three targets take turns within each measure: `tinderbox`, the release binary; `floor`, a Runtime API server without
sandbox, authentication and logs, which is what this machine allows; `echo`, the same HTTP server with no function behind
it. Figures move with what else the machine does, so the ratio to the floor of the same round is what counts.
Writes FILE.json, FILE.svg and a table. Needs Python 3.9 and cargo; the standard library only.
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import measures
import plot
import targets

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
KINDS = ("python", "nodejs", "native", "image", "java", "ruby")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round with few calls")
    parser.add_argument("--targets", default="tinderbox,floor,echo")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--measures", default=",".join(measures.ALL))
    parser.add_argument("--binary", type=Path, help="the server; by default it is built")
    parser.add_argument("--out", type=Path, help="without ending; default: bench/out/TIME")
    options = parser.parse_args()
    for name in ("targets", "kinds", "measures"):
        setattr(options, name, [word for word in getattr(options, name).split(",") if word])
    if unknown := set(options.measures) - set(measures.ALL):
        parser.error(f"there is no measure {', '.join(sorted(unknown))}")
    if unknown := set(options.targets) - {"tinderbox", "floor", "echo"}:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    if unknown := set(options.kinds) - set(KINDS):
        parser.error(f"there is no kind {', '.join(sorted(unknown))}")
    if options.quick:
        options.rounds = 1
    return options


def build(options):
    """Builds what is measured and what measures; answers where both are."""
    print("building", file=sys.stderr)
    cargo = ["cargo", "build", "--release", "--quiet"]
    target = os.environ.get("CARGO_TARGET_DIR")
    subprocess.run([*cargo, "--manifest-path", HERE / "Cargo.toml"], check=True)
    tools = Path(target or HERE / "target") / "release"
    if options.binary is None and "tinderbox" in options.targets:
        subprocess.run([*cargo, "--manifest-path", ROOT / "Cargo.toml", "--package", "tinderbox"], check=True)
        options.binary = Path(target or ROOT / "target") / "release" / "tinderbox"
    return tools.resolve()


def run_round(number, options, machine):
    """One measure after the other; within each, target after target."""
    found = {name: {} for name in options.targets}
    with contextlib.ExitStack() as stack:
        live = []
        for name in options.targets:
            try:
                target = stack.enter_context(targets.start(name, machine))
            except targets.DidNotStart as error:
                found[name]["failed"] = str(error)
                print(f"round {number}: {name}: {error}", file=sys.stderr)
                continue
            found[name]["start"] = {"ready_ms": target.ready_ms}
            live.append(target)
        # A server answers before all of it is there. When it is idle it is done with its start.
        time.sleep(1)
        for target in live:
            found[target.name]["start"]["idle_mib"] = measures.pss_mib(measures.family(target.pid))
        for measure in options.measures:
            for kind in options.kinds:
                for target in live:
                    is_again = measure in measures.ONCE and kind != options.kinds[-1]
                    is_left_out = measure not in measures.OF.get(kind, measures.ALL)
                    if is_left_out or is_again or measure not in target.measures or kind not in target.kinds:
                        continue
                    print(f"round {number}: {measure} {kind} {target.name}", file=sys.stderr)
                    try:
                        result = measures.ALL[measure](target, kind, options.quick)
                    except Exception as error:  # a target that breaks does not end the run
                        result = {"failed": repr(error)[:300]}
                        print(f"  failed: {error!r}"[:300], file=sys.stderr)
                    found[target.name].setdefault(measure, {})[kind] = result
    return found


def summarize(rounds, options):
    """The median of the rounds, and of their ratios to the floor."""
    rows = []
    for measure in ["start", *options.measures]:
        for kind in [None] if measure == "start" else options.kinds:
            for name in options.targets:
                for figure, unit in measures.FIGURES[measure]:
                    values, ratios = [], []
                    for found in rounds:
                        value = figure_of(found, name, measure, kind, figure)
                        floor = figure_of(found, "floor", measure, kind, figure)
                        if value is not None:
                            values.append(value)
                            if floor:
                                ratios.append(value / floor)
                    if values:
                        row = {"measure": measure, "kind": kind, "target": name, "figure": figure, "unit": unit}
                        row["value"] = statistics.median(values)
                        row["lowest"], row["highest"] = min(values), max(values)
                        row["to_floor"] = statistics.median(ratios) if ratios and name != "floor" else None
                        rows.append(row)
    return rows


def figure_of(found, name, measure, kind, figure):
    place = found.get(name, {}).get(measure, {})
    return (place if kind is None else place.get(kind, {})).get(figure)


def print_table(rows):
    print(
        f"{'measure':11}{'function':10}{'figure':26}{'target':11}{'median':>12}  {'unit':6}{'rounds':>23}{'to floor':>10}"
    )
    for row in rows:
        ratio = f"{row['to_floor']:.2f} x" if row["to_floor"] else ""
        span = f"{plot.number(row['lowest'])} - {plot.number(row['highest'])}"
        print(
            f"{row['measure']:11}{row['kind'] or '':10}{row['figure']:26}{row['target']:11}"
            f"{plot.number(row['value']):>12}  {row['unit']:6}{span:>23}{ratio:>10}"
        )


def main():
    options = arguments()
    tools = build(options)
    machine = targets.Machine.look(tools, options.binary, options.kinds)
    begin = datetime.datetime.now(datetime.timezone.utc)
    facts = {
        "time": begin.isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": os.getloadavg(),
        "runtimes": machine.runtimes,
        "quick": options.quick,
    }
    rounds = [run_round(number, options, machine) for number in range(1, options.rounds + 1)]
    facts["load_after"] = os.getloadavg()
    rows = summarize(rounds, options)

    out = options.out or HERE / "out" / begin.strftime("%Y%m%dT%H%M%SZ")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".json").write_text(
        json.dumps({"machine": facts, "summary": rows, "rounds": rounds}, indent=1) + "\n"
    )
    out.with_suffix(".svg").write_text(plot.draw(rows, facts))
    print_table(rows)
    print(f"wrote {out.with_suffix('.json')} and {out.with_suffix('.svg')}", file=sys.stderr)
    return 1 if any("failed" in json.dumps(found) for found in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
