"""The benchmark as `make bench` runs it, with so little load that it shows only that it works."""

import json
import subprocess
import sys

import pytest

from backend.toolchain import PROJECT_ROOT
from scripts.bench.figures import FIGURES
from scripts.bench.postgres import find_programs


def bench(file, *arguments):
    command = [sys.executable, "-m", "scripts.bench", "--quick", "--json", "--file", str(file)]
    ran = subprocess.run(
        [*command, *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_bench__load_quickly__all_orders_get_certificates_succeeds(tmp_path):
    report = bench(tmp_path / "bench.json", "--only", "load")

    assert report == json.loads((tmp_path / "bench.json").read_text())
    assert {figure.name for figure in FIGURES} <= set(report)
    assert report["bulk_orders_per_s"] > 0
    assert 0 < report["certificate_ms_p50"] <= report["certificate_ms_p99"]
    for step in report["details"]["load"]["steps"]:
        offered = step["offered_per_s"] * step["seconds"]
        assert step["certified_in_the_end"] == offered
        assert step["event"]["count"] == step["accepted"]["count"] == offered
        assert 0 < step["certificate"]["count"] <= offered


@pytest.mark.skipif(find_programs() is None, reason="PostgreSQL is not installed")
def test_bench__postgres_quickly__balances_agree_succeeds(tmp_path):
    report = bench(tmp_path / "bench.json", "--only", "postgres")

    assert report["postgres_batched_transfers_per_s"] > 0
    assert report["machine"]["cores"] > 0
