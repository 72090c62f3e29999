"""Names for `ape console` against the running platform: move money and settle by hand.

    platform   the client (sdk/), connected     people   keys here, by name: people["alice"]
    rollup     the contract, as ape shows it    tokens   the listed tokens, by code
    status()   what runs, and what waits        kyc(who), record(who)
    deposit(who, "100", "USDX")                 pay(payer, payee, "12.34", "USDX")
    withdraw(who, "5", "USDX")                  claim(withdrawal)
    leaving    leaving.request(who, "USDX"), leaving.advance(withdrawal_id, "provider", "0.01")
    ask(payee, "5", "USDX")                     refund(payment, "2")
    exchange(one, other, "10", "USDX", "9", "EURX")
    custody    the platform's customers: custody.add("tenant"), custody.pay("tenant", "bob", …)
    bonuses    bonuses.create("sponsor", CampaignWish("USDX", "100", deposit_min="10", …))
    prizes     prizes.create("sponsor", PrizeWish(path, "USDX", "wallet")), prizes.claim(id, "bob")
    treasury   payouts and proposals: treasury.run("file.csv", "USDX", proposer="treasurer-1")
    settle()   post what is final; wait=True: until it is settled

A person is a local name, an address, `people[…]` or a key. Amounts are text or whole numbers.
"""

import atexit
import sys
from contextlib import ExitStack
from functools import cache
from typing import Any, Final, Literal, overload

import ape

from backend.cli.errors import explain
from backend.config import settings
from backend.console.actions import Actions, open_actions
from backend.console.approvals import ApprovalActions
from backend.console.bonuses import BonusActions
from backend.console.bonuses import CampaignWish as CampaignWish
from backend.console.collecting import CollectingActions, Exchange
from backend.console.custody import CustodyActions
from backend.console.errors import NothingToSettle
from backend.console.leaving import LeavingActions
from backend.console.people import Who
from backend.console.posting import Waiting, newest_batch
from backend.console.prizes import PrizeActions
from backend.console.prizes import PrizeWish as PrizeWish
from backend.console.status import platform_status
from backend.protocol.types import address_text
from backend.settlement.artifacts import artifact
from causeway import Applicant, Batch, Deposit, Group, Payment, PaymentRequest, Withdrawal

_VERBS: Final = "kyc record deposit pay withdraw claim ask refund exchange settle status".split()


def ape_init_extras() -> dict[str, Any]:
    """Return the names that need a running platform; without one, say what to do."""
    try:
        _check_chain(_actions())
    except Exception as error:
        code, message = explain(error) or (type(error).__name__, str(error))
        _say(f"{code} {message}")
        return {}
    names = _names()
    _say(f"at hand: {', '.join([*names, *_VERBS])}; `pay?` explains one")
    return names


def __getattr__(name: str) -> Any:
    """Let scripts import those names from here, too."""
    if name.startswith("_") or name not in (names := _names()):
        raise AttributeError(name)
    return names[name]


def kyc(who: Who) -> Applicant:
    """Have somebody checked; the sandbox provider approves at once."""
    return _actions().apply_for_kyc(who)


def record(who: Who) -> Applicant:
    """Put somebody's approval on the chain, so that he can be paid in regulated assets."""
    return _actions().record_attestation(who)


def deposit(who: Who, amount: str | int, asset: str) -> Deposit:
    """Deposit, and wait until it is credited. A local chain gives gas money and tokens first."""
    return _actions().deposit(who, str(amount), asset)


def pay(payer: Who, payee: Who, amount: str | int, asset: str, memo: str | None = None) -> Payment:
    """Pay, and wait until the payment is final."""
    return _actions().pay(payer, payee, str(amount), asset, memo=memo).payment


def withdraw(who: Who, amount: str | int, asset: str) -> Withdrawal:
    """Take money out of the ledger: `claim` it once it is settled."""
    return _actions().withdraw(who, str(amount), asset)


def claim(withdrawal: Withdrawal | str) -> Withdrawal:
    """Have the chain pay a settled withdrawal to its owner."""
    return _actions().claim(withdrawal if isinstance(withdrawal, str) else withdrawal.id)


def ask(payee: Who, amount: str | int | None, asset: str) -> PaymentRequest:
    """Ask for a payment, of any amount with None; its `link` is for the payer."""
    text = None if amount is None else str(amount)
    return CollectingActions(_actions()).ask(payee, text, asset)


def refund(payment: Payment | str, amount: str | int) -> Payment:
    """Pay an amount of a payment back with its payee's key, and wait until it is final."""
    payment_id = payment if isinstance(payment, str) else payment.id
    return CollectingActions(_actions()).refund(payment_id, str(amount))


def exchange(
    one: Who,
    other: Who,
    amount: str | int,
    asset: str,
    other_amount: str | int,
    other_asset: str,
) -> Group:
    """Exchange two amounts at once, or not at all; those whose keys are here sign."""
    wish = Exchange(one, other, str(amount), asset, str(other_amount), other_asset)
    return CollectingActions(_actions()).exchange(wish)


@overload
def settle(wait: Literal[False] = False) -> Waiting: ...
@overload
def settle(wait: Literal[True]) -> Batch: ...
def settle(wait: bool = False) -> Batch | Waiting:
    """Post all that is final, and return how much that is; with `wait`, the newest batch, settled.

    A local chain's clock is moved over the challenge window; a public chain takes days, so there
    it waits until the batch is posted. Raises NothingToSettle if there is no batch at all.
    """
    actions = _actions()
    if not wait:
        return actions.post()
    settled = actions.settle()
    batch = settled[0] if settled else newest_batch(actions.client)
    if batch is None:
        raise NothingToSettle()
    return batch


def status() -> dict[str, Any]:
    """Return what runs: chain, platform, contracts, batches, and what waits for one."""
    return platform_status(settings())


@cache
def _names() -> dict[str, Any]:
    actions = _actions()
    deployment = actions.deployment
    return {
        "platform": actions.client,
        "people": actions.people,
        "bonuses": BonusActions(actions),
        "custody": CustodyActions(actions),
        "leaving": LeavingActions(actions),
        "prizes": PrizeActions(actions),
        "treasury": ApprovalActions(actions),
        "rollup": ape.Contract(
            address_text(deployment.address("Rollup")), abi=[*deployment.rollup.abi.entries]
        ),
        "tokens": {
            token.symbol: ape.Contract(
                address_text(token.address), abi=[*artifact("Stablecoin").abi.entries]
            )
            for token in deployment.tokens
        },
    }


@cache
def _actions() -> Actions:
    """Return the connection, made once and closed when Python ends."""
    stack = ExitStack()
    actions = stack.enter_context(open_actions(settings(), _say))
    atexit.register(stack.close)
    return actions


def _check_chain(actions: Actions) -> None:
    """Say so if the console looks at another chain than the platform."""
    first = ape.chain.blocks[min(ape.chain.blocks.height, 1)]
    seen = first.parent_hash if first.number else first.hash  # as the deployment's file was made
    if bytes(seen) != actions.deployment.genesis_hash:
        url = actions.settings.rpc_url
        _say(f"this is not the platform's chain: `ape console --network {url}` is")


def _say(text: str) -> None:
    sys.stderr.write(f"… {text}\n")
