"""What the command line and the console refuse by themselves, before the platform is asked."""

import re
from pathlib import Path
from typing import ClassVar


class ActionError(Exception):
    """A refusal. `code` is for programs; the message says what is wrong and what to do."""

    code: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).upper()


class NameInvalid(ActionError):
    """A name that no file should have, or that looks like an address."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is no name: take up to 32 small letters, digits, '-' or '_', a letter first."
        )


class PersonUnknown(ActionError):
    """Nobody here has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Nobody here is called {name!r}. `causeway account new {name}` makes a key, "
            "`causeway account list` shows who is there; an address (0x…) will do too."
        )


class CustomerUnknown(ActionError):
    """The platform keeps no key for anybody of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The platform knows no customer {name!r}. `causeway customer create {name}` makes "
            "one, `causeway customer list` shows who is there."
        )


class NoKey(ActionError):
    """Somebody is to sign whose key isn't here."""

    def __init__(self, who: str) -> None:
        super().__init__(
            f"{who} has no key here, so nothing can be signed. Name somebody of "
            "`causeway account list`, or pass a keystore with --key-file."
        )


class KeyFileUnreadable(ActionError):
    """A keystore from elsewhere can't be opened."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} can't be opened: it is no keystore (Web3 Secret Storage), or its "
            "passphrase is another one."
        )


class NoApiKey(ActionError):
    """The platform would not know who is asking."""

    def __init__(self) -> None:
        super().__init__(
            "There is no API key. `causeway up` makes the first one; for another platform set "
            "CAUSEWAY_API_KEY."
        )


class NotAnApplicant(ActionError):
    """Nobody began this person's check."""

    def __init__(self, who: str) -> None:
        super().__init__(f"{who} was never checked. `causeway kyc apply {who}` begins it.")


class NotApproved(ActionError):
    """A check that lets nobody in."""

    def __init__(self, who: str, status: str) -> None:
        super().__init__(f"{who}'s check is {status}: there is nothing to record on the chain.")


class PreparedWrong(ActionError):
    """The platform prepared another transaction than was asked for. Nothing was signed."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The platform prepared something else than was asked for ({what}). Nothing was "
            "signed. See whether it belongs to this deployment."
        )


class TransactionFailed(ActionError):
    """The chain refused a transaction; nothing has changed."""

    def __init__(self, what: str, reason: object) -> None:
        super().__init__(f"The chain refused the {what}: {reason}.")


class TransactionUnknown(ActionError):
    """A transaction was sent, and nobody knows yet what became of it."""

    def __init__(self, what: str, tx_hash: bytes) -> None:
        super().__init__(
            f"The {what} was sent as 0x{tx_hash.hex()} and is not mined yet. See what becomes of "
            "it before doing it again."
        )


class StillWaiting(ActionError):
    """It takes longer than we wait. It goes on all the same."""

    def __init__(self, what: str, seconds: int) -> None:
        super().__init__(f"Waited {seconds} s for {what}. It goes on; look again a little later.")


class AmountMalformed(ActionError):
    """An amount that is no decimal, or finer than the ledger counts."""

    def __init__(self, text: str, asset_code: str, decimals: int) -> None:
        super().__init__(
            f"{text[:40]!r} is no amount of {asset_code}: write it like 12.34, with at most "
            f"{decimals} decimals."
        )


class AmountTooLarge(ActionError):
    """More than one order can move."""

    def __init__(self, text: str, asset_code: str, maximum: str) -> None:
        super().__init__(
            f"{text[:40]} {asset_code} is too much at once: {maximum} is the most. Split it."
        )


class InsufficientFunds(ActionError):
    """The payer has less than the order takes."""

    def __init__(self, payer: str, available: str, needed: str) -> None:
        super().__init__(
            f"{payer} has {available} available, {needed} are needed with the fee. "
            "`causeway deposit NAME AMOUNT ASSET` brings money in, or somebody's `causeway pay`."
        )


class NothingToSettle(ActionError):
    """Nobody has moved any money yet."""

    def __init__(self) -> None:
        super().__init__("There is no batch yet, and nothing to post. Deposit and pay first.")


class NothingToSign(ActionError):
    """A group that somebody's signature can't move on."""

    def __init__(self, who: str, group_id: str, status: str) -> None:
        super().__init__(
            f"There is nothing for {who} to sign in the group {group_id}, which is {status}. "
            "`causeway group show ID` shows who has to, `causeway group rebuild ID` builds one "
            "anew that was overtaken or has expired."
        )


class OrderRejected(ActionError):
    """An accepted order was rejected by the ledger: final for this order."""

    def __init__(self, reason: str | None, order_id: str) -> None:
        self.reason = reason
        super().__init__(f"The ledger rejected the order {order_id}: {reason}. Nothing moved.")


class RequestNotOpen(ActionError):
    """A payment request that is paid or expired."""

    def __init__(self, request_id: str, status: str) -> None:
        super().__init__(f"The payment request {request_id} is {status}. Nothing was paid.")


class RequestWithoutAmount(ActionError):
    """A payment request that leaves the amount to the payer."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"The payment request {request_id} takes any amount: name yours with --amount."
        )
