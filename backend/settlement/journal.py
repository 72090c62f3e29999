"""The submitter's memory: each step is in its log before it is taken, and a start reads it again.

`built → sent (again and again, with other fees) → mined → confirmed`; *gone* takes *mined* back
when a reorganisation did. Entries are JSON, for people who look into the file.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from backend.protocol.batches import BatchHeader
from backend.settlement.batch_data import decode_header
from backend.settlement.chain import Fees, L1Point
from backend.settlement.ports import StepLog


@dataclass(frozen=True, slots=True)
class Attempt:
    """One transaction that carries the batch; it may or may not have reached a node."""

    header: BatchHeader
    nonce: int
    gas: int
    fees: Fees
    tx_hash: bytes
    sent_ts_ms: int


@dataclass(frozen=True, slots=True)
class Submission:
    """How far a batch has come."""

    header: BatchHeader
    signatures: bytes
    carrier: str
    attempts: tuple[Attempt, ...] = ()
    mined: L1Point | None = None

    @property
    def number(self) -> int:
        return self.header.number


class SubmissionJournal:
    """The batch in hand; None between two."""

    def __init__(self, log: StepLog) -> None:
        self.current: Submission | None = None
        self._log = log
        for entry in log.read():
            self.current = _after(self.current, json.loads(entry))

    def built(self, header: BatchHeader, signatures: bytes, carrier: str) -> Submission:
        """The batch is certified. A second time: it was signed anew, with another pin."""
        return self._append(
            {
                "step": "built",
                "number": header.number,
                "header": header.encode().hex(),
                "signatures": signatures.hex(),
                "carrier": carrier,
            }
        )

    def sent(self, attempt: Attempt) -> Submission:
        """A transaction is about to be sent."""
        fees = attempt.fees
        return self._append(
            {
                "step": "sent",
                "number": attempt.header.number,
                "header": attempt.header.encode().hex(),
                "nonce": attempt.nonce,
                "gas": attempt.gas,
                "fees": [fees.max_fee_wei, fees.priority_fee_wei, fees.max_blob_fee_wei],
                "tx": attempt.tx_hash.hex(),
                "tsMs": attempt.sent_ts_ms,
            }
        )

    def mined(self, number: int, tx_hash: bytes, block: L1Point) -> Submission:
        """L1 has accepted the batch."""
        return self._append(
            {
                "step": "mined",
                "number": number,
                "tx": tx_hash.hex(),
                "block": block.number,
                "blockHash": block.block_hash.hex(),
            }
        )

    def gone(self, number: int) -> Submission:
        """A reorganisation took it back."""
        return self._append({"step": "gone", "number": number})

    def confirmed(self, number: int) -> None:
        """The batch is there beyond doubt; nothing is in hand any longer."""
        entry = {"step": "confirmed", "number": number}
        self._log.append([json.dumps(entry).encode()])
        self.current = None

    def _append(self, entry: Mapping[str, Any]) -> Submission:
        self._log.append([json.dumps(entry).encode()])
        after = _after(self.current, entry)
        assert after is not None
        self.current = after
        return after


def _after(current: Submission | None, entry: Mapping[str, Any]) -> Submission | None:
    """Return the submission in hand after one more step."""
    step, number = entry["step"], entry["number"]
    if step == "built":
        header = decode_header(bytes.fromhex(entry["header"]))
        signatures = bytes.fromhex(entry["signatures"])
        # Transactions of the header before may still be mined, so they are kept.
        attempts = current.attempts if current is not None and current.number == number else ()
        return Submission(header, signatures, entry["carrier"], attempts)
    if step == "confirmed" or current is None:
        return None
    if step == "sent":
        attempt = Attempt(
            header=decode_header(bytes.fromhex(entry["header"])),
            nonce=entry["nonce"],
            gas=entry["gas"],
            fees=Fees(*entry["fees"]),
            tx_hash=bytes.fromhex(entry["tx"]),
            sent_ts_ms=entry["tsMs"],
        )
        others = tuple(a for a in current.attempts if a.tx_hash != attempt.tx_hash)
        return replace(current, attempts=(*others, attempt))
    if step == "mined":
        point = L1Point(entry["block"], bytes.fromhex(entry["blockHash"]))
        return replace(current, mined=point)
    return replace(current, mined=None)
