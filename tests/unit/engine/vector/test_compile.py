"""Setup compiles what the host can use, and a second time nothing."""

from backend.engine.vector import compile, keccak, lanes, libsecp


def test_compile__empty_cache__fills_it_once_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(lanes, "_FOLDER", tmp_path)
    libsecp._library.cache_clear()
    keccak.library.cache_clear()

    compile.main()

    names = {path.name.split("-")[0] for path in tmp_path.iterdir()}
    assert names == {"libsecp", "keccak"} | ({"signatures"} if lanes.has_ifma() else set())
    libsecp._library.cache_clear()
    keccak.library.cache_clear()
    monkeypatch.setattr(lanes, "_compile", None)
    compile.main()
