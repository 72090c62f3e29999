"""Make a page of the benchmark's figures: `python -m scripts.bench.report`.

It reads build/bench.json and writes docs/benchmarks/, a page and its plots: the same figures make
the same bytes.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from backend.toolchain import PROJECT_ROOT
from scripts.bench import figures
from scripts.bench.figures import FIGURES, Report
from scripts.bench.plots import draw

FOLDER = PROJECT_ROOT / "docs" / "benchmarks"
_NONE = "not measured here"

_HEAD = """\
# Benchmarks

What `make bench` measured on one machine, each figure beside its baseline of the same run. \
`python -m scripts.bench.report` wrote this page from `build/bench.json`; nothing here is typed by \
hand. A section alone: `python -m scripts.bench --only load`; fast, to see that it works: `--quick`.
"""
_PLOTS = {
    "throughput.svg": "Orders accepted and certified a second, against those offered",
    "latency.svg": "From an order's arrival until its client knows of the certificate",
    "ratios.svg": "Each figure as a multiple of its baseline",
}
_METHOD = """\
## How it is measured

- **signatures, trees**: the fast code beside the readable one or the library's, in turns in one \
process; the best round counts.
- **postgres**: a PostgreSQL of its own that syncs each commit; a thousand transfers a \
transaction by one statement, two entries and two changed balances each. It does less than a \
payment system has to: no signatures, no index on entries, clients that never meet.
- **single**: POSTs of one signed payment each, answered once it is on the disk. The baseline is a \
FastAPI endpoint on the same server that checks the body's shape and returns a small object. A \
client in a process of its own sends bytes made beforehand to both in turns; what it can send at \
most is shown, too.
- **load**: orders arrive by chance (Poisson), payers are as unequal as Zipf's law says, and \
nobody waits for an answer before the next order arrives. An order's time begins when it arrives, \
not when it can be sent. *Certificate*: a client that asked `wait=final` once the order was \
accepted has its answer; some 50 orders a second are asked for. *Event*: a listener reads of the \
order in the stream of events, which is written behind the ledger. *Certified a second* counts \
orders in blocks made in the step's time. Latencies are those of a minute at half of the most that \
was certified. The committee of four is in the platform's one process; chain and client share the \
machine with it.
- **gas**: payments posted by either carrier on a local chain, and plain transfers on the same.
"""


def ratios(report: Report) -> dict[str, float]:
    """Return figures as multiples of their baselines: more is better, 1 is the baseline."""
    details = report["details"]

    def of(*path: str) -> float | None:
        found = details
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return None if found is None else float(found)

    def over(value: float | None, baseline: float | None) -> float | None:
        return value / baseline if value is not None and baseline else None

    gas_of_transfer = report.get("gas_per_transfer_erc20")
    found = {
        "signatures, by libsecp256k1": of("signatures", "simd_verifications_per_s", "ratio"),
        "chunks' roots, by the readable tree": of(
            "trees", "chunk_root_payments_per_s_per_core", "ratio"
        ),
        "a payment through blobs, by a transfer's gas": over(
            gas_of_transfer, report.get("gas_per_payment_blob")
        ),
        "a payment through calldata, by a transfer's gas": over(
            gas_of_transfer, report.get("gas_per_payment_calldata")
        ),
        "single POSTs, by a bare endpoint": report.get("single_post_ratio"),
        "orders in bulk, by PostgreSQL's transfers": over(
            report.get("bulk_orders_per_s"), report.get("postgres_batched_transfers_per_s")
        ),
        "signed payments, by PostgreSQL's transfers": over(
            report.get("signed_payments_per_s_simd") or report.get("signed_payments_per_s_libsecp"),
            report.get("postgres_batched_transfers_per_s"),
        ),
    }
    return {name: ratio for name, ratio in found.items() if ratio}


def page(report: Report, plots: list[str]) -> str:
    """Return the page."""
    parts = [_HEAD, *_machine(report), *_figures(report), *(_load(report)), _METHOD]
    parts[3:3] = [f"![{text}]({name})\n" for name, text in _PLOTS.items() if name in plots]
    return "\n".join(parts)


def _machine(report: Report) -> Iterator[str]:
    facts = report["machine"]
    yield (
        f"The machine: {facts['cpu']}, {facts['cores']} cores "
        f"({', '.join(facts['cpu_features']) or 'no vector units of note'}), "
        f"{facts['memory_mb']:,} MB, {facts['system']}, Python {facts['python']}; others' work "
        f"before the run began kept {facts['load_average']:g} cores busy.\n"
    )


def _figures(report: Report) -> Iterator[str]:
    rows = []
    for figure in FIGURES:
        value = report.get(figure.name)
        shown = _NONE if value is None else f"{value:,}"
        command = report["commands"].get(figure.section, "")
        rows.append(f"| `{figure.name}` | {shown} | {figure.text} | {_code(command)} |")
    details = report["details"]
    hows = [
        f"- `{section}`: {details[section][name]}"
        for section, name in (("postgres", "how"), ("load", "shape"))
        if section in details
    ]
    if single := details.get("single"):
        hows.append(
            f"- `single`: {single['posts_per_s']:,} POSTs a second beside "
            f"{single['bare_posts_per_s']:,} of the bare endpoint; the client can send "
            f"{single['client_ceiling_posts_per_s']:,}; {single['connections']} connections, "
            f"{len(single['ratios'])} turns"
        )
    head = "| figure | value | what it is | command |\n|---|--:|---|---|\n"
    yield head + "\n".join(rows) + "\n"
    if hows:
        yield "\n".join(hows) + "\n"


def _load(report: Report) -> Iterator[str]:
    load = report["details"].get("load")
    if load is None:
        return
    columns: dict[str, Callable[[Report], str]] = {
        "offered a second": lambda step: f"{step['offered_per_s']:,}",
        "accepted": lambda step: f"{step['accepted_per_s']:,}",
        "certified": lambda step: f"{step['certified_per_s']:,}",
        "asked to come later": lambda step: f"{step['asked_to_come_later']:,}",
        "p50 ms": lambda step: _ms(step["certificate"]["p50_ms"]),
        "p99 ms": lambda step: _ms(step["certificate"]["p99_ms"]),
        "most ms": lambda step: _ms(step["certificate"]["max_ms"]),
        "event p50 ms": lambda step: _ms(step["event"]["p50_ms"]),
        "event p99 ms": lambda step: _ms(step["event"]["p99_ms"]),
    }
    yield "## Under load\n"
    yield (
        f"The last line is held for {load['held']['seconds']:g} s, at half of the most. *Asked to "
        "come later* counts orders refused for now (429), which were sent again when the platform "
        "asked for them.\n"
    )
    rows = [
        "| " + " | ".join(show(step) for show in columns.values()) + " |"
        for step in (*load["steps"], load["held"])
    ]
    head = "| " + " | ".join(columns) + " |\n|" + "--:|" * len(columns)
    yield "\n".join([head, *rows]) + "\n"


def _ms(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _code(command: str) -> str:
    return f"`{command}`" if command else ""


def write(report: Report, folder: Path) -> None:
    """Write the page and its plots into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = draw(report, ratios(report), folder)
    (folder / "README.md").write_text(page(report, plots))


def main() -> int:
    parser = argparse.ArgumentParser(prog="report", description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, default=figures.FILE)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    report = figures.read(arguments.file)
    if not report:
        sys.stderr.write("there are no figures yet: run python -m scripts.bench\n")
        return 1
    write(report, arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
