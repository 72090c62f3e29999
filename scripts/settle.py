# ruff: noqa: T201
"""Pay and settle by hand: `ape run settle --network http://127.0.0.1:8545`.

It needs a running platform (`causeway up`). The five lines can be pasted into `ape console` too,
where `ape_console_extras.py` has put the names already.
"""

from ape_console_extras import deposit, kyc, pay, people, platform, rollup, settle, tokens


def main() -> None:
    """Pay 1.50 from alice to bob, and see it settled on the chain."""
    _introduce()

    pay("alice", "bob", "1.50", "USDX")
    batch = settle(wait=True)
    print(batch.number, batch.status)
    print(rollup.frontier(), tokens["USDX"].balanceOf(rollup))
    print(platform.accounts.get(people["bob"].address, "USDX").balance)


def _introduce() -> None:
    """Make the two, and bring alice's money in, if they aren't there yet."""
    if "alice" not in people:
        kyc(people.new("alice"))
        deposit("alice", "25", "USDX")
    people.new("bob")
