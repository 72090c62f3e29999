"""What the access plane needs of the others; `backend/app.py` passes in what fits."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from backend.protocol.batches import BatchHeader, Chunk
from backend.protocol.evidence import Evidence
from backend.protocol.hashing import Digest
from backend.protocol.order_records import AuthorisedOrder, OrderRecord
from backend.protocol.types import AccountId, Address, Asset, Leaf


class Accepted(Protocol):
    """An order whose entry in the log is durable."""

    @property
    def payment_id(self) -> Digest: ...


class Outcome(Protocol):
    """How an accepted order ended: in a block, or rejected with the number of an error."""

    @property
    def is_final(self) -> bool: ...

    @property
    def block_number(self) -> int | None: ...

    @property
    def code(self) -> str | None: ...


class PendingOrder(Protocol):
    """An accepted order that no block has decided."""

    @property
    def authorised(self) -> AuthorisedOrder: ...

    @property
    def accepted_ts_ms(self) -> int: ...

    @property
    def group(self) -> Digest | None: ...


class AccountView(Protocol):
    """An account now, with pending orders counted in `nonce_next` and `available_minor`."""

    @property
    def account_id(self) -> int: ...

    @property
    def balance_minor(self) -> int: ...

    @property
    def nonce(self) -> int: ...

    @property
    def nonce_next(self) -> int: ...

    @property
    def available_minor(self) -> int: ...


class NodeStatus(Protocol):
    """How far the ledger is."""

    @property
    def block_number(self) -> int: ...
    @property
    def epoch(self) -> int: ...


class Records(Protocol):
    """Records of a request, each decoded when somebody asks for it."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> OrderRecord: ...

    def bytes_of(self, place: int) -> bytes:
        """Return a record's bytes."""

    def memos(self) -> Sequence[tuple[int, Digest]]:
        """Return the memos that orders bear, each with the place of its record."""

    def groups(self) -> Sequence[int]:
        """Return the places of groups."""


class Node(Protocol):
    """The engine's façade (docs/ARCHITECTURE.md, "The seams")."""

    async def submit(self, record: OrderRecord) -> Accepted:
        """Accept an order or a group durably, or raise a PaymentError. A repeat changes nothing."""

    def read_records(self, data: bytes) -> Records:
        """Return records that stand one after the other. Raises MalformedBytes."""

    async def submit_many(self, records: Any) -> Sequence[Any]:
        """Accept many at once; each becomes an Accepted or a PaymentError, in order."""

    async def wait_final(self, payment_id: Digest, timeout_ms: int) -> Outcome | None:
        """Return how an order ended, or None if it has not until then."""

    def order(self, payment_id: Digest) -> PendingOrder | None:
        """Return an accepted order that no block has decided yet."""

    def is_pending(self, record_id: Digest) -> bool:
        """Return whether an order or a group was accepted and no block has decided it yet."""

    def has_root(self, owner: Address, root: Digest) -> bool:
        """Return whether orders under a root that the owner authorised on L1 are taken."""

    def account(self, owner: Address, asset_id: int) -> AccountView | None:
        """Return an owner's account."""

    def assets(self) -> Mapping[int, Asset]:
        """Return the listings that the ledger knows, by asset id."""

    def status(self) -> NodeStatus:
        """Return how far the ledger is."""


class WithdrawalProof(Protocol):
    """What `claimWithdrawal` takes; `leaf` is the payer's after the chunk, `nonce` the order's."""

    @property
    def batch_number(self) -> int: ...
    @property
    def slot_number(self) -> int: ...
    @property
    def chunk(self) -> bytes: ...
    @property
    def chunk_path(self) -> Sequence[bytes]: ...
    @property
    def leaf(self) -> Leaf: ...
    @property
    def leaf_path(self) -> Sequence[bytes]: ...


class AccountProof(Protocol):
    """An account in the state after a batch."""

    @property
    def batch_number(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def leaf(self) -> Leaf: ...
    @property
    def leaf_path(self) -> Sequence[bytes]: ...


class Proofs(Protocol):
    """Proofs from posted batches. Calls may take long: ask from a thread."""

    def chunks(self, batch_number: int) -> Sequence[Chunk]:
        """Return a batch's chunks. Raises BatchNotFound."""

    async def evidence(self, batch_number: int) -> Mapping[int, Evidence]:
        """Return who authorised a batch's operations, by slot number. Raises BatchNotFound."""

    def withdrawal_proof(self, batch_number: int, slot_number: int) -> WithdrawalProof:
        """Return the proof of a withdrawal. Raises BatchNotFound, ProofNotAvailable."""

    def account_proof(self, batch_number: int, account_id: AccountId) -> AccountProof:
        """Return the proof of an account. Raises BatchNotFound, ProofNotAvailable."""


class ExitKits(Protocol):
    """What people send to the chain to leave."""

    async def kit(self, owner: Address) -> Mapping[str, Any]:
        """Return an owner's exit kit as JSON. Raises ChainUnavailable."""


class Waiting(Protocol):
    """What is final and in no batch yet."""

    @property
    def operation_count(self) -> int: ...


class Poster(Protocol):
    """Who posts batches."""

    @property
    def built(self) -> BatchHeader | None:
        """The header of the batch that is certified and on its way to the chain."""

    def post_now(self, carrier: str | None = None) -> Waiting | None:
        """Have all that is final by now posted at once; return it. A repeat changes nothing."""


class TokenName(Protocol):
    """What people call a token."""

    @property
    def symbol(self) -> str: ...

    @property
    def decimals(self) -> int: ...


class PermitFacts(Protocol):
    """What an ERC-2612 permit of an owner is signed over."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def nonce(self) -> int: ...


class AuthorizationFacts(Protocol):
    """What an ERC-3009 authorisation of a holder is signed over, and whether it counts no more."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def is_used(self) -> bool: ...


class Chain(Protocol):
    """Questions to the chain. Each raises ChainUnavailable if it doesn't answer."""

    async def latest_ts_s(self) -> int:
        """Return the time of the newest block."""

    async def token_name(self, token: Address) -> TokenName | None:
        """Return a token's symbol and decimals, None if it doesn't tell."""

    async def allowance(self, token: Address, owner: Address, spender: Address) -> int:
        """Return how many base units a contract may take from `owner`."""

    async def exit_bounty_wei(self) -> int:
        """Return the least that an exit request costs now."""

    async def exit_waiting_since_ts_s(self, account_id: int, owner: Address) -> int | None:
        """Return since when an exit counts as waiting; None if none does."""

    async def permit_facts(self, token: Address, owner: Address) -> PermitFacts | None:
        """Return what a permit needs, None if the token takes none."""

    async def authorization_facts(
        self, token: Address, holder: Address, nonce: Digest
    ) -> AuthorizationFacts | None:
        """Return what an authorisation needs, None if the token knows none."""

    async def revoke_person(self, person: Address) -> bytes:
        """Have the registry revoke a person; return the transaction's hash. Repeat at will."""


class ProviderResult(Protocol):
    """What a provider of customer checks says now."""

    @property
    def decision(self) -> str: ...  # pending, approved, rejected

    @property
    def reasons(self) -> tuple[str, ...]: ...


class KycProvider(Protocol):
    """A provider of customer checks (backend/compliance/kyc.py)."""

    @property
    def name(self) -> str: ...

    def start(self, applicant_id: str, external_id: str, person: Mapping[str, str]) -> str:
        """Begin a check; return the provider's own id."""

    def read_message(self, raw: bytes, headers: Mapping[str, str]) -> str:
        """Return the provider's id that a signed message is about. Raises SignatureInvalid."""

    def take_message(self, raw: bytes) -> None:
        """Take a message in that was read, once."""

    def fetch(self, reference: str) -> ProviderResult | None:
        """Ask how a check stands; None if the provider knows nothing of it."""


class Attestor(Protocol):
    """The key that attests about persons."""

    @property
    def address(self) -> Address: ...

    def attest(self, person: bytes, level: int, expiry_ts_s: int, issued_ts_s: int) -> bytes:
        """Return the signature of an attestation."""

    def evidence(
        self, person: bytes, level: int, expiry_ts_s: int, issued_ts_s: int, signature: bytes
    ) -> bytes:
        """Return what a deposit shows the gate."""
