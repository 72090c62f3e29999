"""A report is made of figures alone; what was not measured is said to be so."""

import json

import pytest

from scripts.bench import report
from scripts.bench.figures import FIGURES, Measured, joined, read, write
from scripts.bench.latencies import summary

MACHINE = {
    "cpu": "Some CPU",
    "cores": 2,
    "cpu_features": ["avx2"],
    "memory_mb": 2048,
    "system": "Linux 6",
    "python": "3.11.7",
    "load_average": 0.1,
}


def step(offered_per_s, certified_per_s, seconds=8):
    latencies = summary([10.0, 20.0, 400.0]).as_json()
    return {
        "seconds": seconds,
        "offered_per_s": offered_per_s,
        "accepted_per_s": offered_per_s,
        "certified_per_s": certified_per_s,
        "certified_in_the_end": 3,
        "asked_to_come_later": 17,
        "accepted": latencies,
        "certificate": latencies,
        "event": latencies,
    }


@pytest.fixture
def sample():
    load = {
        "bulk_orders_per_s": 2_000,
        "most_per_s": 1_900,
        "steps": [step(1_000, 1_000), step(4_000, 1_900)],
        "held": step(950, 950, 60),
        "shape": "some shape",
    }
    found = {"machine": MACHINE}
    for section, figures, details in (
        ("postgres", {"postgres_batched_transfers_per_s": 100_000}, {"how": "PostgreSQL 15"}),
        ("load", {"bulk_orders_per_s": 2_000, "certificate_ms_p99": 400.0}, load),
        ("gas", {"gas_per_payment_blob": 40.0, "gas_per_transfer_erc20": 40_000.0}, {}),
    ):
        found |= joined(found, section, Measured(figures, details), f"command {section}")
        found["machine"] = MACHINE
    return found


def test_joined__one_section__keeps_the_others_and_names_all_figures_holds(sample):
    again = joined(sample, "gas", Measured({"gas_per_payment_blob": 41.0}, {}), "command gas")

    assert {figure.name for figure in FIGURES} <= set(again)
    assert again["gas_per_payment_blob"] == 41.0
    assert again["bulk_orders_per_s"] == 2_000
    assert again["single_post_ratio"] is None


def test_write__a_report__is_read_again_succeeds(sample, tmp_path):
    write(sample, tmp_path / "build" / "bench.json")

    assert read(tmp_path / "build" / "bench.json") == sample
    assert read(tmp_path / "none.json") == {}


def test_page__a_sample__shows_each_figure_and_step_succeeds(sample):
    page = report.page(sample, ["throughput.svg"])

    assert "| `postgres_batched_transfers_per_s` | 100,000 |" in page
    assert "`command postgres`" in page
    assert "| `single_post_ratio` | not measured here |" in page
    assert "| 4,000 | 4,000 | 1,900 | 17 | 20 | 400 | 400 | 20 | 400 |" in page
    assert "(throughput.svg)" in page
    assert "(ratios.svg)" not in page
    assert "Some CPU, 2 cores (avx2)" in page


def test_ratios__a_sample__compare_with_baselines_holds(sample):
    assert report.ratios(sample) == {
        "a payment through blobs, by a transfer's gas": 1_000,
        "orders in bulk, by PostgreSQL's transfers": 0.02,
    }


def test_write_page__twice__same_small_files_holds(sample, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        report.write(json.loads(json.dumps(sample)), folder)

    names = sorted(path.name for path in folders[0].iterdir())
    assert names == ["README.md", "latency.svg", "ratios.svg", "throughput.svg"]
    for name in names:
        made = [(folder / name).read_bytes() for folder in folders]
        assert made[0] == made[1]
        assert len(made[0]) < 60_000
