"""The golden vectors of disputes and exits, recomputed from their inputs.

Branches:
- multiproof: one list of siblings for the leaves before and after a change
- sweeps: the chunk's operations, its effect, and the orders that its sweeps equal
- commitment of a proof; digest and signature of an Advance
"""

from typing import Any

from tests.independent import chunks, typed
from tests.independent.codec import keccak
from tests.independent.exits import Exit, order_of_sweep, sweep_of, sweep_orders
from tests.independent.state import EMPTY, Asset, Leaf, State, root_of_multiproof
from tests.independent.vectors import domain_of, read_vector


def _leaves(shown: list[dict[str, Any]]) -> dict[int, Leaf]:
    names = ("owner", "asset_id", "nonce", "balance_minor")
    found = {one["id"]: Leaf(*(one[name] for name in names)) for one in shown}
    assert [leaf.hash() for leaf in found.values()] == [one["hash"] for one in shown]
    return found


def _root(leaves: dict[int, Leaf], siblings: list[bytes]) -> bytes:
    return root_of_multiproof({one: leaf.hash() for one, leaf in leaves.items()}, siblings)


def test_multiproof__before_and_after__holds() -> None:
    vector = read_vector("disputes")["multiproof"]
    before, after = _leaves(vector["leaves"]), _leaves(vector["changed_leaves"])

    assert before.keys() == after.keys()
    assert EMPTY in before.values()
    assert _root(before, vector["siblings"]) == vector["root"]
    assert _root(after, vector["siblings"]) == vector["changed_root"]


def test_sweeps__of_a_chunk__holds() -> None:
    vectors = read_vector("disputes")
    vector, domain = vectors["sweeps"], domain_of(vectors)
    before, after = _leaves(vector["leaves"]), _leaves(vector["leaves_after"])
    state = State(leaves={})
    for account_id, leaf in before.items():
        state.put(account_id, leaf)
    token = vector["orders"][0]["asset"]
    state.list_asset(Asset(1, token, vector["unit"], bytes(20)))
    exits = [Exit(account_id, leaf.owner) for account_id, leaf in before.items()]

    sweeps = [sweep_of(state, account_id) for account_id in before]
    orders = sweep_orders(state, exits)

    found = chunks.operations_of(vector["chunk"])
    assert [one for _, one in found[:2]] == sweeps
    assert all(one.kind == "no-op" for _, one in found[2:])
    assert orders == [order_of_sweep(state, account_id) for account_id in before]
    for order, shown in zip(orders, vector["orders"], strict=True):
        assert order.digest(domain) == shown.pop("id")
        fields = ("payer", "asset", "amount", "fee", "nonce", "valid_until")
        assert {name: getattr(order, name) for name in fields} == shown
    assert _root(before, vector["siblings"]) == vector["root"]
    assert _root(after, vector["siblings"]) == vector["root_after"] == vector["chunk"][-32:]
    sequence = chunks.Sequence64(state, [])
    for sweep in sweeps:
        sequence.apply(sweep)
    assert state.leaves == after


def test_commitment__of_a_proof__holds() -> None:
    vector = read_vector("disputes")["commitment"]

    assert keccak(keccak(vector["call_data"]), vector["prover"]) == vector["commitment"]


def test_advance__signed_by_the_owner__holds() -> None:
    vectors = read_vector("disputes")
    advance, domain = vectors["advance"], domain_of(vectors)

    digest = domain.digest(typed.ADVANCE, *advance["fields"].values())

    assert digest == advance["digest"]
    assert typed.signer_of(digest, advance["signature"]) == advance["fields"]["owner"]
    shown = vectors["typed_data"]["types"]["Advance"]
    assert [(one["type"], one["name"]) for one in shown] == typed.fields_of(typed.ADVANCE)
