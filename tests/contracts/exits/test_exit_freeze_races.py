"""A committee that posts a batch in each block, in front of whoever would freeze the rollup.

- freeze_for_deposit: by a batch accepted after the timeout, whatever came since → frozen | by one
  from before it, or never accepted → reverts
"""

from tests.contracts.core import WINDOWS
from tests.contracts.exits.test_exit_freeze import DEPOSIT_UNCONSUMED, for_deposit  # noqa: F401


def test_freeze_for_deposit__batch_from_after_the_timeout__succeeds(
    room,
    rollup,
    posted,
    deposit,
    token,
    for_deposit,  # noqa: F811
):
    """A committee can post in each block, but not in front of what stands already."""
    since = deposit(token, 1).timestamp
    room.at(since + WINDOWS.deposit_s)
    late = room.post()
    room.post()

    [event] = for_deposit(index=1, last=late.batch).decode_logs(rollup.Frozen)
    assert event.reason == DEPOSIT_UNCONSUMED


def test_freeze_for_deposit__batch_from_before_the_timeout__reverts(
    room,
    rollup,
    posted,
    deposit,
    token,
    for_deposit,  # noqa: F811
    reverts,
):
    deadline = deposit(token, 1).timestamp + WINDOWS.deposit_s
    room.at(deadline - 1)
    early = room.post()
    room.post()

    actual = early.batch.accepted_ts_s
    with reverts(rollup, "BatchTooOld", deadlineTsS=deadline, acceptedTsS=actual):
        for_deposit(index=1, last=early.batch)


def test_freeze_for_deposit__batch_never_accepted__reverts(
    room,
    rollup,
    posted,
    deposit,
    token,
    for_deposit,  # noqa: F811
    reverts,
):
    room.at(deposit(token, 1).timestamp + WINDOWS.deposit_s)

    with reverts(rollup, "BatchNotAccepted", number=1, expectedSlot=..., actualSlot=...):
        for_deposit(index=1, last=posted.batch._replace(signers=0))
