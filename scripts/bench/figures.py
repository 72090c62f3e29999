"""The figures of the benchmark by name, and the file that keeps them.

The file has one number for each name, or null where this machine can't measure it; beside them
stand each section's details, its command, and the machine.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.demo.__main__ import BUILD

FILE = BUILD / "bench.json"

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, the section that measures it, and what it says."""

    name: str
    section: str
    text: str


FIGURES = (
    Figure(
        "signed_payments_per_s_libsecp",
        "pipeline",
        "signed payments a second, from bytes to chunks' roots, signatures by libsecp256k1",
    ),
    Figure("signed_payments_per_s_simd", "pipeline", "the same, signatures sixteen at once"),
    Figure(
        "embedded_4_full_verify_per_s",
        "pipeline",
        "payments a second by a committee of four in one process, each of which verifies all",
    ),
    Figure("raw_verifications_per_s", "signatures", "libsecp256k1's own verifications on a core"),
    Figure("simd_verifications_per_s", "signatures", "ours on a core, sixteen at once"),
    Figure(
        "chunk_root_payments_per_s_per_core", "trees", "payments a second whose roots a core makes"
    ),
    Figure(
        "executed_operations_per_s_per_core", "chunks", "operations executed a second on a core"
    ),
    Figure(
        "rooted_operations_per_s_per_core", "chunks", "the same, with the root after each chunk"
    ),
    Figure("bytes_per_account", "trees", "memory for an account in the state tree"),
    Figure("postgres_batched_transfers_per_s", "postgres", "transfers a second by PostgreSQL"),
    Figure("single_post_ratio", "single", "single POSTs a second, by those of a bare endpoint"),
    Figure("bulk_orders_per_s", "load", "orders a second in bulk, until the last is final"),
    Figure(
        "certificate_ms_p50", "load", "milliseconds from arrival to a known certificate, median"
    ),
    Figure("certificate_ms_p99", "load", "the same, of 99 in 100"),
    Figure("gas_per_payment_blob", "gas", "gas of a payment, posted by blobs"),
    Figure("blob_gas_per_payment", "gas", "blob gas of a payment"),
    Figure("gas_per_payment_calldata", "gas", "gas of a payment, posted by calldata"),
    Figure("gas_per_transfer_erc20", "gas", "gas of a plain ERC-20 transfer"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a section found: its figures, and how they came about."""

    figures: dict[str, float | None]
    details: Report


def read(path: Path = FILE) -> Report:
    """Return what earlier runs found, if anything."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def joined(report: Report, section: str, measured: Measured, command: str) -> Report:
    """Return a report with a section's newest findings; what nobody measured is null."""
    return {
        **{figure.name: report.get(figure.name) for figure in FIGURES},
        **measured.figures,
        "machine": report.get("machine"),
        "details": {**report.get("details", {}), section: measured.details},
        "commands": {**report.get("commands", {}), section: command},
    }


def write(report: Report, path: Path = FILE) -> None:
    """Keep a report."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
