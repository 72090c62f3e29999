"""Where a rebuilt ledger and L1 stand, asked for once: what exit kits are made from."""

from backend.settlement.bounties import bounty_wei
from backend.settlement.exit_kit import Deadlines, Position, StateAt
from backend.settlement.l1_history import L1Reader
from backend.settlement.queries import token_name
from backend.settlement.rebuild import Rebuilt


async def position_of(reader: L1Reader, rebuilt: Rebuilt) -> Position:
    """Return the position after the last batch that was executed, as L1 is now."""
    client, history = reader.client, rebuilt.history
    now = await client.latest()
    exits = {}
    for account_id, owner in history.exits:
        since_ts_s = await client.read(reader.exits, "waitingSince", account_id, owner)
        if since_ts_s:
            exits[account_id, owner] = since_ts_s
    names = {
        asset_id: name
        for asset_id, asset in history.assets.items()
        if (name := await token_name(client, asset.token)) is not None
    }
    batches, frontier = rebuilt.batches, history.frontier
    settled = rebuilt.settled
    return Position(
        chain_id=await client.chain_id(),
        rollup=reader.contract,
        exits_contract=reader.exits,
        ts_s=now.ts_s,
        block_number=now.number,
        deadlines=Deadlines(
            challenge_window_s=await reader.view("challengeWindow"),
            exit_deadline_s=await reader.view("exitDeadline"),
            deposit_timeout_s=await reader.view("depositTimeout"),
            silence_deadline_s=await reader.view("silenceDeadline"),
        ),
        bounty_wei=bounty_wei(now.base_fee_wei, await reader.view("gasPriceFloor")),
        tip=history.tip,
        frontier=frontier,
        frozen_ts_s=await reader.view("frozenTsS"),
        rolled_back_ts_s=await reader.view("rolledBackTsS"),
        assets=history.assets,
        names=names,
        last=StateAt(batches[rebuilt.number], rebuilt.state) if rebuilt.number else None,
        settled=StateAt(batches[frontier], settled) if settled is not None and frontier else None,
        unsettled=tuple(batches[number] for number in sorted(batches) if number > frontier),
        unpaid=tuple(rebuilt.unpaid),
        waiting_deposits=dict(rebuilt.waiting_deposits()),
        exits=exits,
        escaped=frozenset(history.escaped),
    )
