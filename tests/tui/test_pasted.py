"""Long texts as tokens: they come back whole, also from where the prompt was kept."""

from pathlib import Path

import pytest

from assent_tui.prompt.pasted import Pasted, mention, picture_in, pictures, plain

LONG = "\n".join(f"line {number}" for number in range(120))


def test_a_long_text_is_a_token_and_comes_back_whole():
    pasted = Pasted()
    token = pasted.fold(LONG)
    assert token == "[pasted 120 lines]"
    assert pasted.whole(f"see {token} and {token}.") == f"see {LONG} and {LONG}."


def test_a_short_text_stands_as_it_is():
    assert Pasted().fold("a\nb") == "a\nb"


def test_texts_of_one_size_have_tokens_of_their_own():
    pasted = Pasted()
    first, second = pasted.fold("x" * 2000), pasted.fold("y" * 2000)
    assert (first, second) == ("[pasted 2,000 characters]", "[pasted 2,000 characters #2]")
    assert pasted.whole(f"{second}{first}") == "y" * 2000 + "x" * 2000
    assert pasted.fold("x" * 2000) == first


def test_a_token_inside_of_a_pasted_text_is_text():
    pasted = Pasted()
    first = pasted.fold(LONG)
    second = pasted.fold(f"{first}\n" * 50)
    assert pasted.whole(second) == f"{first}\n" * 50


def test_what_was_kept_becomes_tokens_again_in_another_session():
    pasted = Pasted()
    kept = pasted.packed(f"see {pasted.fold(LONG)} now")
    later = Pasted()
    assert later.unpacked(kept) == "see [pasted 120 lines] now"
    assert later.whole(later.unpacked(kept)) == f"see {LONG} now" == plain(kept)


def test_what_was_kept_and_cut_loses_only_its_end():
    kept = Pasted().packed("x")
    pasted = Pasted()
    kept = pasted.packed(f"see {pasted.fold(LONG)}")[:200]
    later = Pasted()
    assert later.whole(later.unpacked(kept)).startswith("see line 0\nline 1")


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    place = tmp_path / "my shot.PNG"
    place.write_bytes(b"png")
    return place


def test_the_path_of_a_picture_is_known_however_it_was_dropped(shot: Path):
    for dropped in (str(shot), f"'{shot}'", str(shot).replace(" ", "\\ "), shot.as_uri(), f"  {shot}\n"):
        assert picture_in(dropped) == str(shot)
    for other in ("", "no.png", "two\nlines.png", "x" * 5000, str(shot.parent), "\x00.png"):
        assert picture_in(other) == ""


def test_pictures_are_found_where_they_are_mentioned(shot: Path):
    found, missing = pictures(f"look at {mention(shot.name)}, @gone.png. mail me@x.png and @src/a.py", shot.parent)
    assert found == (shot,)
    assert missing == ("gone.png",)
