"""Measure the platform on this machine: `python -m scripts.bench`, or `make bench`.

Sections measure what belongs together, each beside its baseline, and can be run alone. The figures
go to build/bench.json; `python -m scripts.bench.report` makes a page of them.
"""

import argparse
import json
import signal
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path

from backend.cli.root import quiet_logs
from scripts.bench import figures, machine
from scripts.bench.sections import SECTIONS
from scripts.demo.screen import Screen


def measure(names: list[str], is_quick: bool, file: Path, screen: Screen) -> figures.Report:
    """Run sections one after the other; keep what each finds as soon as it is there."""
    report = figures.read(file)
    facts = machine.facts()
    for name in names:
        with screen.step(name):
            measured = SECTIONS[name](is_quick)
        command = f"python -m scripts.bench --only {name}" + (" --quick" if is_quick else "")
        report = figures.joined(report, name, measured, command) | {"machine": facts}
        figures.write(report, file)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=SECTIONS, help="a section; repeatable")
    parser.add_argument("--quick", action="store_true", help="show that it works; measure little")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--file", type=Path, default=figures.FILE, help="where figures are kept")
    arguments = parser.parse_args()
    screen = Screen()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with quiet_logs(), redirect_stdout(sys.stderr) if arguments.json else nullcontext():
            names = arguments.only or list(SECTIONS)
            report = measure(names, arguments.quick, arguments.file, screen)
    except KeyboardInterrupt:
        screen.say("interrupted: all that the benchmark started is stopped")
        return 130
    if arguments.json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        return 0
    screen.table({figure.name: report[figure.name] for figure in figures.FIGURES})
    screen.say(f"more in {arguments.file}; python -m scripts.bench.report makes a page of it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
