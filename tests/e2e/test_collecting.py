"""Collecting, told in commands, on a real platform.

- a request: made, shown, listed, paid, paid again: refused; any amount
- a refund; more than the payment: refused
- an exchange: final with both keys here; built anew and signed by a second person; shown
- wrong calls
"""

from types import SimpleNamespace

import httpx
import pytest

from backend.cli import collecting, group
from tests.e2e.commands import Commands


@pytest.fixture(scope="module")
def causeway(running_platform):
    return Commands(running_platform.settings)


@pytest.fixture(scope="module")
def story(causeway):
    """Return what each step answered."""
    carla, dino = (causeway.json("account", "new", name) for name in ("carla", "dino"))
    for name, asset in (("carla", "USDX"), ("dino", "EURX")):
        causeway.run("kyc", "apply", name)
        causeway.run("deposit", name, "100", asset)
    asked = causeway.json("request", "create", "dino", "5", "USDX")
    paid = causeway.json("pay", "carla", "--request", asked["id"])
    shown = causeway.json("request", "show", asked["id"])
    back = causeway.json("refund", paid["id"], "2")
    exchanged = causeway.json("group", "exchange", "carla", "dino", "10", "USDX", "9", "EURX")
    return SimpleNamespace(**locals())


def _balance(causeway, name, asset):
    balances = causeway.json("account", "show", name)["balances"]
    return next(one["ledger"] for one in balances if one["asset"] == asset)


def test_request__paid__shows_the_payment_succeeds(causeway, story):
    assert (story.asked["status"], story.shown["status"]) == ("open", "paid")
    assert story.shown["payment_id"] == story.paid["id"]
    assert story.paid["payee"] == story.dino["address"]
    text = causeway.run("request", "show", story.asked["id"]).stdout
    assert "request of 5 USDX to dino: paid" in text
    assert f"paid by {story.paid['id']}" in text
    listed = causeway.run("request", "list").stdout
    assert f"{story.asked['id']}  paid    5 USDX" in listed


def test_request__link__is_a_page_succeeds(story):
    page = httpx.get(story.asked["link"], headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert "This request is paid" in page.text


def test_request__paid_already_or_no_amount__rejects(causeway, story):
    again = causeway.json("pay", "carla", "--request", story.asked["id"], exit_code=1)
    open_one = causeway.json("request", "create", "dino", "any", "USDX")
    no_amount = causeway.json("pay", "carla", "--request", open_one["id"], exit_code=1)
    paid = causeway.json("pay", "carla", "--request", open_one["id"], "--amount", "1.5")

    assert again["error"]["code"] == "REQUEST_NOT_OPEN"
    assert no_amount["error"]["code"] == "REQUEST_WITHOUT_AMOUNT"
    assert paid["amount"] == "1500000"


def test_refund__part_of_a_payment__is_paid_back_succeeds(causeway, story):
    too_much = causeway.json("refund", story.paid["id"], "3.000001", exit_code=1)

    assert (story.back["amount"], story.back["payee"]) == ("2000000", story.carla["address"])
    assert story.back["status"] in ("final", "posted")
    assert too_much["error"]["code"] == "REFUND_EXCEEDED"
    assert "3.000001 USDX are asked" in too_much["error"]["message"]


def test_group_exchange__both_keys_here__is_final_succeeds(causeway, story):
    shown = causeway.run("group", "show", story.exchanged["id"]).stdout

    assert story.exchanged["status"] in ("final", "posted")
    assert "carla pays dino 10 USDX (fee 0.01): signed" in shown
    assert "dino pays carla 9 EURX (fee 0.01): signed" in shown
    assert _balance(causeway, "carla", "EURX") == "9"
    assert _balance(causeway, "dino", "EURX") == "90.99"  # 100 less 9 and a fee


@pytest.mark.parametrize("name", ["carla", "dino"])
def test_group_sign__final_already__rejects(causeway, story, name):
    error = causeway.json("group", "sign", name, story.exchanged["id"], exit_code=1)["error"]

    assert error["code"] == "NOTHING_TO_SIGN"
    assert story.exchanged["id"] in error["message"]


def test_group_rebuild__final_already__rejects(causeway, story):
    error = causeway.json("group", "rebuild", story.exchanged["id"], exit_code=1)["error"]

    assert error["code"] == "GROUP_OPEN"


def test_group_rebuild__nonce_used_meanwhile__builds_it_anew_succeeds(
    causeway, running_platform, story
):
    source = running_platform.settings.data_dir / "people" / "dino.json"
    hidden = source.with_suffix(".hidden")
    source.rename(hidden)  # so that only one of the two signs
    address = story.dino["address"]
    try:
        built = causeway.json("group", "exchange", "carla", address, "1", "USDX", "1", "EURX")
    finally:
        hidden.rename(source)
    causeway.run("pay", "carla", "dino", "1", "USDX")

    overtaken = causeway.run("group", "show", built["id"]).stdout
    anew = causeway.json("group", "rebuild", built["id"])

    assert "rejected (GROUP_OVERTAKEN)" in overtaken
    assert (anew["status"], len(anew["legs"])) == ("signing", 2)
    causeway.run("group", "sign", "carla", anew["id"], "--yes")
    assert "group: final" in causeway.run("group", "sign", "dino", anew["id"], "--yes").stdout


def test_group_sign__second_person_later__is_final_succeeds(
    causeway, running_platform, story, tmp_path
):
    source = running_platform.settings.data_dir / "people" / "dino.json"
    keystore = tmp_path / "dino.json"
    keystore.write_text(source.read_text())
    source.rename(tmp_path / "hidden.json")
    address = story.dino["address"]
    try:
        built = causeway.json("group", "exchange", "carla", address, "1", "USDX", "1", "EURX")
        words = ("group", "sign", address, built["id"], "--key-file", str(keystore))
        unsure = causeway.json(*words, exit_code=2)
        done = causeway.run(*words, "--yes")
    finally:
        (tmp_path / "hidden.json").rename(source)

    assert built["status"] == "signing"
    assert [leg["is_signed"] for leg in built["legs"]] == [True, False]
    assert unsure["error"]["code"] == "USAGE"
    assert "group: final" in done.stdout
    assert "pays carla 1 EURX" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("pay", "carla", "dino", "1", "USDX", "--amount", "1"),
        ("pay", "carla", "dino", "1", "USDX", "--request", "preq_1"),
        ("pay", "carla", "dino", "1"),
    ],
)
def test_pay__request_and_payee_at_once__rejects(causeway, words):
    assert causeway.json(*words, exit_code=2)["error"]["code"] == "USAGE"


@pytest.mark.parametrize("module", [collecting, group])
def test_help__each_module__is_light_holds(module):
    assert {"open_actions", "Actions", "CollectingActions"}.isdisjoint(vars(module))
