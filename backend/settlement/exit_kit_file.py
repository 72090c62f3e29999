"""An exit kit as a file for programs, and as a text for the person who has to send it."""

from collections.abc import Iterator
from typing import Any, Final

from backend.protocol.times import time_text
from backend.protocol.types import address_text
from backend.settlement.exit_kit import Call, ExitKit, amount_text

_VERSION: Final = 1
_EVERYBODY: Final = "everybody"


def kit_json(kit: ExitKit) -> dict[str, Any]:
    """Return the kit for programs. `balance` is in token base units, `value` in wei, times are
    seconds of L1."""
    position = kit.position
    last = position.last
    return {
        "object": "exit_kit",
        "version": _VERSION,
        "chain_id": position.chain_id,
        "rollup": address_text(position.rollup.address),
        "owner": None if kit.owner is None else address_text(kit.owner),
        "l1_block": position.block_number,
        "ts_s": position.ts_s,
        "batch": 0 if last is None else last.batch.header.number,
        "tip": position.tip,
        "settled": position.frontier,
        "frozen_ts_s": position.frozen_ts_s or None,
        "accounts": [
            {
                "account_id": account_id,
                "owner": address_text(leaf.owner),
                "asset_id": leaf.asset_id,
                "token": address_text(position.assets[leaf.asset_id].token),
                "balance": str(leaf.balance_minor * position.assets[leaf.asset_id].unit),
            }
            for account_id, leaf in kit.accounts
        ],
        "calls": [_call_json(call) for call in kit.calls],
    }


def _call_json(call: Call) -> dict[str, Any]:
    return {
        "what": call.what,
        "text": call.text,
        "to": address_text(call.to),
        "data": "0x" + call.data.hex(),
        "value": str(call.value_wei),
        "from": None if call.sender is None else address_text(call.sender),
        "not_before_ts_s": call.not_before_ts_s,
        "after": call.after or None,
    }


def kit_text(kit: ExitKit) -> str:
    """Return what the kit holds, and what to do with it, in words."""
    return "\n".join(_lines(kit)) + "\n"


def _lines(kit: ExitKit) -> Iterator[str]:
    position = kit.position
    who = _EVERYBODY if kit.owner is None else address_text(kit.owner)
    yield f"Exit kit of {who}"
    yield (
        f"Rollup {address_text(position.rollup.address)} on chain {position.chain_id}; made at "
        f"block {position.block_number}, {time_text(position.ts_s)}, with {position.tip} batches "
        f"accepted and {position.frontier} settled."
    )
    if position.is_frozen:
        yield f"The rollup is frozen since {time_text(position.frozen_ts_s)}."
    if position.last is not None and position.last.batch.header.number != position.tip:
        yield "A later batch is wrong. It has to be rolled back before anything of it settles."
    for account_id, leaf in kit.accounts:
        amount = amount_text(position, leaf.asset_id, leaf.balance_minor)
        yield f"Account {account_id} of {address_text(leaf.owner)}: {amount}"
    yield ""
    if not kit.calls:
        yield "There is nothing to send."
        return
    yield "Send these from any wallet, each with the `to`, `data` and `value` that stand under its"
    yield "number in the file beside this one. One that is too early reverts and changes nothing."
    yield "When another batch has been accepted since, make a new kit."
    for number, call in enumerate(kit.calls):
        yield ""
        yield f"{number}. {call.text[0].upper()}{call.text[1:]}."
        if call.value_wei:
            yield f"   It takes {call.value_wei} wei along: enough until the base fee has doubled."
        if call.sender is not None:
            yield f"   Only {address_text(call.sender)} can send it."
        if call.not_before_ts_s > position.ts_s:
            yield f"   Not before {time_text(call.not_before_ts_s)}."
        if call.after:
            yield f"   Only after {call.after}."
