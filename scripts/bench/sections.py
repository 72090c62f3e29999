"""The parts of the benchmark: each measures something by itself, fast or thoroughly."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

from scripts.bench import chunks, gas, pipeline, postgres, signatures, single, steps, trees
from scripts.bench.figures import Measured, Report
from scripts.bench.stage import RICH, Stage, stage

Section = Callable[[bool], Measured]
"""Takes whether it has to be quick: then its figures show that it works, and little else."""


def _signatures(is_quick: bool) -> Measured:
    found = signatures.measure()
    return Measured({name: _number(figure["value"]) for name, figure in found.items()}, found)


def _trees(is_quick: bool) -> Measured:
    found = trees.measure(20_000 if is_quick else 1_000_000)
    names = ("chunk_root_payments_per_s_per_core", "bytes_per_account")
    return Measured({name: _number(found[name]["value"]) for name in names}, found)


def _chunks(is_quick: bool) -> Measured:
    found = chunks.measure(20_000 if is_quick else 1_000_000)
    return Measured({name: _number(figure["value"]) for name, figure in found.items()}, found)


def _pipeline(is_quick: bool) -> Measured:
    found = pipeline.measure(20_000, 5_000) if is_quick else pipeline.measure()
    return Measured({name: figure and figure["value"] for name, figure in found.items()}, found)


def _postgres(is_quick: bool) -> Measured:
    load = postgres.Load(20_000, 0.2, 1) if is_quick else postgres.Load()
    found = postgres.measure(load)
    return Measured({"postgres_batched_transfers_per_s": found["value"]}, found)


def _single(is_quick: bool) -> Measured:
    load = single.Load(turns=1, posts=320) if is_quick else single.Load()
    found = _with_client(lambda opened, client: single.measure(opened, client, load))
    return Measured({"single_post_ratio": found["ratio"]}, found)


def _load(is_quick: bool) -> Measured:
    quick = steps.Shape(people=128, warm_up=1_000, burst_s=1, shares=(0.5, 2), step_s=1, held_s=2)
    shape = quick if is_quick else steps.Shape()
    found = _with_client(lambda opened, client: steps.measure(opened, client, shape), shape.people)
    certificate = found["held"]["certificate"]
    figures = {
        "bulk_orders_per_s": found["bulk_orders_per_s"],
        "certificate_ms_p50": certificate["p50_ms"],
        "certificate_ms_p99": certificate["p99_ms"],
    }
    return Measured(figures, found)


def _gas(is_quick: bool) -> Measured:
    load = gas.Load(64, 512, 128) if is_quick else gas.Load()
    found = _with_client(lambda opened, _: gas.measure(opened, load))
    return Measured({name: found[name] for name in found if "gas" in name}, found)


def _number(value: float | str) -> float:
    return value if isinstance(value, int) else float(value)


def _with_client(
    work: Callable[[Stage, Executor], Awaitable[Report]], people_count: int = RICH
) -> Report:
    """Do work with a platform and a client's process."""

    async def run() -> Report:
        with ProcessPoolExecutor(1, get_context("spawn")) as client:
            async with stage(people_count) as opened:
                return await work(opened, client)

    return asyncio.run(run())


SECTIONS: dict[str, Section] = {
    "signatures": _signatures,
    "trees": _trees,
    "chunks": _chunks,
    "pipeline": _pipeline,
    "postgres": _postgres,
    "single": _single,
    "load": _load,
    "gas": _gas,
}
