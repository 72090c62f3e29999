"""The engine fits what settlement needs, by name and argument; mypy checks the types.

- sources of batches, drafts, logs; proofs of withdrawals, which access needs
"""

import inspect

import pytest

from backend.access.ports import WithdrawalProof as WithdrawalProofPort
from backend.engine.batch.builder import BatchDraft
from backend.engine.batch.desk import BatchDesk, Waiting
from backend.engine.batch.posted import WithdrawalProof
from backend.engine.log import LocalLog
from backend.settlement import ports
from tests.e2e.settlement.tiny_ledger import MemoryLog, TinyDraft, TinyLedger


def members(port):
    return {name: value for name, value in vars(port).items() if not name.startswith("_")}


@pytest.mark.parametrize(
    ("port", "fitting"),
    [
        (ports.BatchSource, BatchDesk),
        (ports.BatchSource, TinyLedger),
        (ports.StepLog, LocalLog),
        (ports.StepLog, MemoryLog),
    ],
)
def test_port__methods__holds(port, fitting):
    for name, method in members(port).items():
        ours, theirs = inspect.signature(method), inspect.signature(getattr(fitting, name))
        assert list(ours.parameters) == list(theirs.parameters), name
        assert inspect.iscoroutinefunction(method) == inspect.iscoroutinefunction(
            getattr(fitting, name)
        ), name


@pytest.mark.parametrize(
    ("port", "fitting"),
    [
        (ports.BatchDraft, BatchDraft),
        (ports.BatchDraft, TinyDraft),
        (ports.Waiting, Waiting),
        (WithdrawalProofPort, WithdrawalProof),
    ],
)
def test_port__fields__holds(port, fitting):
    assert set(members(port)) <= set(fitting.__dataclass_fields__)
