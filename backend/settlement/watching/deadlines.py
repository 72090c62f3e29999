"""Exits, deposits and silence: what the committee owes, and what shows that it was late."""

from dataclasses import dataclass

from backend.protocol.types import AccountId, Address, Leaf, address_text
from backend.settlement.batch_data import NO_BATCH, AcceptedBatch
from backend.settlement.l1_history import History, L1Reader
from backend.settlement.proving.proofs import (
    Arguments,
    chunk_proof,
    deposit_record,
    leaf_proof,
)
from backend.settlement.watching.follower import Follower


@dataclass(frozen=True, slots=True)
class Late:
    """A deadline that was missed: the rollup's function that freezes for it, and its arguments."""

    function: str
    arguments: Arguments
    reason: str


async def showing(
    reader: L1Reader, follower: Follower, account_id: AccountId, owner: Address
) -> Arguments | None:
    """Return the arguments of Exits.showServed for an exit that waits and was served; else None.

    A settled batch shows it as well as another: the watcher may have been away meanwhile.
    """
    if not await reader.client.read(reader.exits, "waitingSince", account_id, owner):
        return None
    request = await reader.client.read(reader.exits, "exitOf", account_id, owner)
    for number in follower.accepted_after(request["requestedTsS"]):
        if not await _may_show(follower, number, account_id, owner):
            continue
        batch = await follower.replayed(number)
        was_empty = _is_empty(await follower.leaf_after(number - 1, account_id), owner)
        for index, chunk in enumerate(batch.chunks):
            # An account is emptied where it pays, or was before. A tree costs the executing of the
            # batch up to there, but for exits that are shown in the order of their sweeps.
            if not (was_empty and index == 0) and account_id.to_bytes(4) not in chunk.slots:
                continue
            tree = batch.trees[index]
            leaf = tree.leaf(account_id)
            if _is_empty(leaf, owner):
                shown = chunk_proof(chunk, batch.posted.chunk_hashes, index)
                accepted = batch.posted.accepted.arguments()
                return owner, accepted, shown, leaf_proof(tree, account_id)
    return None


def _is_empty(leaf: Leaf | None, owner: Address) -> bool:
    """Return whether an account holds nothing of the owner's."""
    return leaf is None or leaf.owner != owner or leaf.balance_minor == 0


async def _may_show(follower: Follower, number: int, account_id: AccountId, owner: Address) -> bool:
    """Return whether the account was empty in a batch, perhaps: at an end of it, or it paid."""
    before = await follower.leaf_after(number - 1, account_id)
    after = await follower.leaf_after(number, account_id)
    if before is None or after is None or _is_empty(before, owner) or _is_empty(after, owner):
        return True
    return before.nonce != after.nonce


async def overdue(reader: L1Reader, follower: Follower, history: History) -> Late | None:
    """Return a deadline that the committee has missed, if any, and nothing is frozen yet.

    It can be found without the newest batches' data; what is fraud is to be proven first.
    """
    if follower.fraud is not None or await reader.view("frozenTsS"):
        return None
    last = await _last(reader, history)
    now_ts_s = (await reader.client.latest()).ts_s
    rolled_back_ts_s = await reader.view("rolledBackTsS")
    return (
        await _silence(reader, last, now_ts_s, rolled_back_ts_s)
        or await _deposit(reader, follower, history, last, now_ts_s, rolled_back_ts_s)
        or await _exit(reader, follower, history, now_ts_s)
    )


async def _last(reader: L1Reader, history: History) -> AcceptedBatch:
    """Return the last batch; nothing is read of it if there is none."""
    return (await reader.batch(history, history.tip)).accepted if history.tip else NO_BATCH


async def _silence(
    reader: L1Reader, last: AcceptedBatch, now_ts_s: int, rolled_back_ts_s: int
) -> Late | None:
    deadline_s = await reader.view("silenceDeadline")
    since_ts_s = max(last.accepted_ts_s, rolled_back_ts_s)
    # Before the first batch the rollup counts from its creation, and owes nobody anything.
    if not since_ts_s or now_ts_s < since_ts_s + deadline_s:
        return None
    return Late("freezeForSilence", (last.arguments(),), f"no batch for {deadline_s} s")


async def _deposit(
    reader: L1Reader,
    follower: Follower,
    history: History,
    last: AcceptedBatch,
    now_ts_s: int,
    rolled_back_ts_s: int,
) -> Late | None:
    index = last.header.deposit_cursor
    if index >= len(history.deposits):
        return None
    record = history.deposits[index]
    deadline_s = await reader.view("depositTimeout")
    if now_ts_s < max(record.l1_ts_s, rolled_back_ts_s) + deadline_s:
        return None
    arguments = last.arguments(), index, deposit_record(record)
    return Late("freezeForDeposit", arguments, f"deposit {index} waits for over {deadline_s} s")


async def _exit(
    reader: L1Reader, follower: Follower, history: History, now_ts_s: int
) -> Late | None:
    if not follower.number:
        return None
    executed = (await reader.batch(history, follower.number)).accepted
    deadline_s = await reader.view("exitDeadline")
    tree = follower.state.tree
    for account_id, owner in history.exits:
        leaf: Leaf | None = tree.leaf(account_id)
        if leaf is None or leaf.owner != owner or not leaf.balance_minor:
            continue
        since_ts_s = await reader.client.read(reader.exits, "waitingSince", account_id, owner)
        is_late = since_ts_s and now_ts_s >= since_ts_s + deadline_s
        # L1 takes no other batch: an older one may be from before the exit was served.
        is_new = follower.number == history.tip or executed.accepted_ts_s >= since_ts_s + deadline_s
        if is_late and is_new:
            arguments = executed.arguments(), leaf_proof(tree, account_id)
            reason = f"the exit of {address_text(owner)} waits for over {deadline_s} s"
            return Late("freezeForExit", arguments, reason)
    return None
