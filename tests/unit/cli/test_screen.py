"""What commands write.

- text for people or JSON for machines, never both; lists as the API answers them
- names and addresses are no markup, and ids are not broken into lines
- control characters of others' texts are spelt out
"""

import json
from types import SimpleNamespace

from backend.cli.screen import Screen, table

ID = "0x" + "ab" * 32


def test_show__json__is_alone_on_stdout_succeeds(capsys):
    screen = Screen(as_json=True)
    screen.say("working")

    screen.show({"id": ID}, "a line")

    out, err = capsys.readouterr()
    assert json.loads(out) == {"id": ID}
    assert err == "… working\n"


def test_show__text__is_no_markup_succeeds(capsys):
    rows = [("[red]alice[/red]", ID, ID)]

    Screen(as_json=False).show({}, "[bold]x[/bold]", table("name", "id", ">tx", rows=rows))

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[bold]x[/bold]"
    assert "[red]alice[/red]" in lines[2]
    assert lines[2].count(ID) == 2


def test_show_list__objects_or_none__as_the_api_lists_them_succeeds(capsys):
    found = [SimpleNamespace(raw={"id": ID})]
    shown = table("id", rows=[(ID,)])

    Screen(as_json=True).show_list(found, shown, "there is none")
    Screen(as_json=False).show_list([], shown, "there is none")

    out, _ = capsys.readouterr()
    listed, _, text = out.rpartition("}\n")
    assert json.loads(listed + "}") == {"object": "list", "data": [{"id": ID}]}
    assert text == "there is none\n"


def test_fail__both_ways__shows_code_and_message_succeeds(capsys):
    Screen(as_json=False).fail("NO_KEY", "Name another.")
    Screen(as_json=True).fail("NO_KEY", "Name another.")

    out, err = capsys.readouterr()
    assert err == "NO_KEY Name another.\n"
    assert json.loads(out) == {"error": {"code": "NO_KEY", "message": "Name another."}}


def test_show__control_characters__are_spelt_out_succeeds(capsys):
    evil = "rent\x1b[2J\x9b1A\r\u202e\ncalls 0xgood()"

    screen = Screen(as_json=False)
    screen.show({}, f"purpose: {evil}", table("purpose", rows=[(evil,)]))
    screen.say(evil)
    screen.fail("X", evil)

    out, err = capsys.readouterr()
    spelt = r"rent\x1b[2J\x9b1A\r\u202e\ncalls 0xgood()"
    assert [line.strip() for line in out.splitlines()] == [f"purpose: {spelt}", "purpose", spelt]
    assert err.splitlines() == [f"… {spelt}", f"X {spelt}"]
