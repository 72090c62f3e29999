"""What one replica does with signed payments, from their bytes to its log:
`python -m scripts.bench.pipeline`.

Groups of payments are read, hashed and verified; judged and executed; laid out in chunks, each with
its root; and written with their block to the log, in one frame, synchronised. One thread executes a
group while others verify the next ones. Payers and payees are drawn evenly among all accounts, one
payee in a hundred is new, and payers' keys are known, as after their first order. Baselines are of
the same run: raw verification on both cores. Orders are signed before the clock starts.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from backend.engine.ledger import Execution
from backend.engine.log import LocalLog
from backend.engine.packing import ChunkCursor
from backend.engine.vector import lanes, sequence
from backend.engine.vector.authority import Authority
from backend.engine.vector.blocks import BySlot, execute
from backend.engine.vector.layout import cursor_of, places_of
from backend.engine.vector.orders import order_entries
from backend.engine.vector.records import RecordRun
from backend.engine.vector.verification import Verifier, VerifierName
from backend.protocol.batches import CHUNK_SLOTS
from backend.protocol.blocks import Block, Body, body_hash, operations_hash
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.log_entries import BlockEntry, Entry
from backend.protocol.operations import SLOT_BYTES
from backend.protocol.signing import PrivateKey
from backend.protocol.transition import L1Facts
from backend.protocol.votes import Proposal
from scripts.bench.population import DOMAIN, Population
from scripts.bench.signatures import raw_verifications_per_s
from scripts.demo.screen import Screen

_ACCOUNTS: Final = 1_000_000
_PAYERS: Final = 60_000
_GROUP: Final = 5_000
_ROUNDS: Final = 3
_CORES: Final = 2
# What verifies keeps up with what executes: more threads would only be in its way.
_VERIFYING: Final[dict[VerifierName, int]] = {"libsecp256k1": 2, "simd": 1}
_TS_MS: Final = 1_700_000_000_000
_PROPOSER: Final = PrivateKey(b"\x03" * 32)


@dataclass
class Stages:
    """Seconds that threads spent in each stage; several add up."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _started: float = 0

    def begin(self) -> None:
        self._started = time.perf_counter()

    def end(self, name: str) -> None:
        now = time.perf_counter()
        self.seconds[name] += now - self._started
        self._started = now


class Replica:
    """Everything that a replica keeps, for payments of one asset."""

    def __init__(self, population: Population, log: LocalLog, authorities: Sequence[Authority]):
        """Each of `authorities` verifies all by itself."""
        self.stages = Stages()
        self._authorities = authorities
        self._log = log
        self._ledger = population.ledger()
        self._tree = population.tree(self._ledger)
        self._facts = L1Facts(self._ledger.assets, {}, 0)
        self._parent = ZERO_DIGEST

    def check(self, data: bytes) -> RecordRun:
        """Read, hash and verify a group. Any thread may."""
        records = RecordRun(data)
        for authority in self._authorities:
            if not authority.check(records.orders).is_signed.all():
                raise RuntimeError("an honest signature was refused")
        return records

    def execute(self, records: RecordRun) -> bytes:
        """Execute a group as the next block, with a root for each chunk; return what the log gets:
        the orders' entries and the block's."""
        stages = self.stages
        stages.begin()
        body = Body(0, records=records)
        execution = execute(self._ledger, body, _TS_MS // 1000)
        self._ledger.advance(execution.changes)
        stages.end("execute")
        self._put_roots(execution)
        stages.end("chunk roots")
        entries = order_entries(records.orders, _TS_MS) + self._block(body, execution.slots)
        stages.end("block")
        return entries

    def _put_roots(self, execution: Execution) -> None:
        cursor = cursor_of(ChunkCursor())
        slots = np.frombuffer(execution.slots, np.uint8).reshape(-1, SLOT_BYTES)
        fees, legs = cast(BySlot, execution.fee_accounts), cast(BySlot, execution.groups)
        places = places_of(cursor, slots, fees.numbers, legs.numbers, 0)
        chunks = np.zeros((cursor.chunk_count, CHUNK_SLOTS * SLOT_BYTES), np.uint8)
        chunks.reshape(-1, SLOT_BYTES)[places] = slots
        effects = sequence.effects_of(self._tree, list(map(bytes, chunks)), self._facts)
        if effects.chunk_count != len(chunks):
            raise RuntimeError("two phases and the sequence differ")
        self._tree.put(effects.changes, effects.steps, len(chunks))

    def _block(self, body: Body, slots: bytes) -> bytes:
        encoded = body.encode()
        block = Block(
            number=self._ledger.block_number,
            epoch=1,
            round=0,
            parent_hash=self._parent,
            operations_hash=operations_hash(slots),
            body_hash=body_hash(encoded),
            operation_count=len(slots) // SLOT_BYTES,
            timestamp_ms=_TS_MS,
        )
        self._parent = block.digest(DOMAIN)
        signature = _PROPOSER.sign_digest(Proposal(self._parent).digest(DOMAIN))
        entry = Entry(_TS_MS, BlockEntry(block, signature, encoded)).encode()
        return len(entry).to_bytes(4) + entry


def payments_per_s(
    replica: Replica, log: LocalLog, groups: Sequence[bytes], thread_count: int
) -> float:
    """Return how many payments a second a replica takes, until all are durable. So many threads
    verify."""
    started = time.perf_counter()
    with ThreadPoolExecutor(thread_count) as verifying, ThreadPoolExecutor(1) as writing:
        checks = [verifying.submit(replica.check, data) for data in groups]
        written = [
            writing.submit(log.append_body, replica.execute(check.result()), _GROUP + 1)
            for check in checks
        ]
        for one in written:
            one.result()
    return len(groups) * _GROUP / (time.perf_counter() - started)


def measure(account_count: int = _ACCOUNTS, payer_count: int = _PAYERS) -> dict[str, Any]:
    """Return the figures."""
    simd: VerifierName | None = "simd" if lanes.has_ifma() else None
    return {
        "signed_payments_per_s_libsecp": _run("libsecp256k1", account_count, payer_count, 1),
        "signed_payments_per_s_simd": simd and _run(simd, account_count, payer_count, 1),
        "embedded_4_full_verify_per_s": _run("libsecp256k1", account_count, payer_count, 4),
    }


def _run(
    name: VerifierName, account_count: int, payer_count: int, verifications: int
) -> dict[str, float]:
    """Return the best of several rounds, and raw verification beside each."""
    population = Population(account_count, payer_count, np.random.default_rng(1))
    with tempfile.TemporaryDirectory() as folder, LocalLog(Path(folder) / "log") as log:
        authorities = [Authority(DOMAIN, Verifier(name)) for _ in range(verifications)]
        replica = Replica(population, log, authorities)
        thread_count = _VERIFYING[name]
        met = list(population.payments(_GROUP))
        payments_per_s(replica, log, met, thread_count)
        replica.stages, begun_bytes = Stages(), log.size_bytes
        per_s, raw_per_s = [], []
        for _ in range(_ROUNDS):
            groups = list(population.payments(_GROUP))
            raw_per_s.append(raw_verifications_per_s(_CORES))
            per_s.append(payments_per_s(replica, log, groups, thread_count))
        log_bytes = log.size_bytes - begun_bytes
    total = _ROUNDS * (payer_count - payer_count % _GROUP)
    ns = {f"{stage}_ns": round(s / total * 1e9) for stage, s in replica.stages.seconds.items()}
    return {
        "value": round(max(per_s)),
        "raw_two_threads": round(max(raw_per_s)),
        "ratio": round(max(per_s) / max(raw_per_s), 2),
        "log_bytes_per_payment": round(log_bytes / total),
        **ns,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="pipeline", description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=_ACCOUNTS)
    parser.add_argument("--payers", type=int, default=_PAYERS)
    options = parser.parse_args()
    figures = measure(options.accounts, options.payers)
    Screen().table({name: str(figure) for name, figure in figures.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
