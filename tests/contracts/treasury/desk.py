"""A desk that proposes to one treasury and gathers approvals, as a client would."""

from eth_abi import encode
from eth_account import Account
from eth_utils import keccak

DOMAIN_NAME = "Causeway Treasury"
PURPOSE = keccak(text="payouts of November")
FAR_S = 30 * 86_400
GOVERNANCE, FIXED, SPENDING = range(3)  # RuleKind
TARGET = 255  # as `payeeWord`: the payee is the target
ZERO = "0x" + 40 * "0"
_TYPES = {
    "Proposal": [
        {"name": "proposer", "type": "bytes"},
        {"name": "calls", "type": "Call[]"},
        {"name": "nonceKey", "type": "uint192"},
        {"name": "nonce", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
        {"name": "purpose", "type": "bytes32"},
    ],
    "Call": [
        {"name": "target", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "data", "type": "bytes"},
    ],
}


def member_key(name):
    """Return the key of a role."""
    return Account.from_key(keccak(text=name))


def signer_of(member):
    """Return a key's, contract's or account's signer: the 20 bytes of its address."""
    return bytes.fromhex(member.address[2:])


def _bytes_of(proposer):
    return proposer if isinstance(proposer, bytes) else signer_of(proposer)


def call(method, *arguments, value=0):
    """Return what makes the treasury call a contract's method."""
    data = bytes(method.encode_input(*arguments))
    return (method.contract.address, value, data)


def pay(payee, value):
    """Return what makes the treasury pay native money."""
    return (str(getattr(payee, "address", payee)), value, b"")


def in_order(approvals):
    """Return approvals as the treasury wants them: ascending by keccak256(signer)."""
    return sorted(approvals, key=lambda approval: keccak(approval[0]))


class Desk:
    """Proposes to one treasury and approves in the name of keys."""

    def __init__(self, chain, treasury, operator):
        self.chain = chain
        self.treasury = treasury
        self.operator = operator

    def now(self):
        """Return the time of the newest block in seconds."""
        return self.chain.blocks.head.timestamp

    def nonce(self, proposer, key=0):
        """Return the next nonce of a proposer's nonce key."""
        return self.treasury.nonceOf(_bytes_of(proposer), key)

    def proposal(self, calls, proposer, *, key=0, nonce=None, deadline=None, purpose=PURPOSE):
        """Return a proposal; `proposer` is a key or a signer's bytes."""
        signer = _bytes_of(proposer)
        nonce = self.nonce(signer, key) if nonce is None else nonce
        deadline = self.now() + FAR_S if deadline is None else deadline
        return (signer, calls, key, nonce, deadline, purpose)

    def _sign(self, member, types, message, **domain):
        full = {
            "name": DOMAIN_NAME,
            "version": "1",
            "chainId": self.chain.chain_id,
            "verifyingContract": self.treasury.address,
        } | domain
        return member.sign_typed_data(full, types, message).signature

    def signature(self, member, proposal, **domain):
        """Return a key's signature of a proposal, made as a wallet makes it."""
        names = [field["name"] for field in _TYPES["Proposal"]]
        message = dict(zip(names, proposal, strict=True))
        message["calls"] = [
            dict(zip(("target", "value", "data"), each, strict=True)) for each in proposal[1]
        ]
        return self._sign(member, _TYPES, message, **domain)

    def sign(self, proposal, members):
        """Return the approvals of keys."""
        return in_order([(signer_of(m), self.signature(m, proposal)) for m in members])

    def sign_cancellation(self, proposal, members):
        """Return what keys sign to cancel a proposal."""
        types = {"Cancellation": [{"name": "proposal", "type": "bytes32"}]}
        message = {"proposal": self.treasury.proposalId(proposal)}
        return in_order([(signer_of(m), self._sign(m, types, message)) for m in members])

    def execute(self, proposal, approvals):
        """Send the approvals and return the receipt."""
        return self.treasury.execute(proposal, approvals, sender=self.operator)

    def schedule(self, proposal, approvals):
        """Start the timelock and return the receipt."""
        return self.treasury.schedule(proposal, approvals, sender=self.operator)

    def run(self, calls, members, **values):
        """Propose in the name of the first key, approve by all, wait if need be, and execute."""
        proposal = self.proposal(calls, members[0], **values)
        approvals = self.sign(proposal, members)
        _, timelock_s = self.treasury.tierOf(calls)
        if timelock_s:
            receipt = self.schedule(proposal, approvals)
            self.chain.pending_timestamp = receipt.timestamp + timelock_s
        return self.execute(proposal, approvals)


def spending_rule(asset, amount_word, payee_word=TARGET):
    """Return a rule for a function that spends an asset."""
    return (SPENDING, str(getattr(asset, "address", asset)), amount_word, payee_word, 0, 0)


def fixed_rule(weight, timelock_s=0):
    """Return a rule for a function that moves no money."""
    return (FIXED, ZERO, 0, 0, weight, timelock_s)


def token_rules(policy, token):
    """Return the calls that make a token's own functions spending."""
    words = {"transfer": (1, 0), "approve": (1, 0), "transferFrom": (2, 1), "mint": (1, 0)}
    return [
        call(policy.setRule, token, selector(getattr(token, name)), spending_rule(token, *at))
        for name, at in words.items()
    ]


def selector(method):
    """Return the four bytes that choose a method."""
    return keccak(text=method.abis[0].selector)[:4]


def typed(kinds, values):
    """Return ABI-encoded values."""
    return encode(kinds, values)
