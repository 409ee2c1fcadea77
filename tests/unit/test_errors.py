from layerwise.errors import LayerwiseError, shown


def test_what_steers_a_terminal_is_written_out():
    assert shown("a\x1b[2Jb\nc\u202ed\udce9") == r"a\x1b[2Jb\nc\u202ed\udce9"


class ListedError(LayerwiseError):
    is_list = True


def test_a_name_of_several_lines_makes_no_message_of_several():
    assert str(LayerwiseError("a\n2026-01-01 INFO all is well is no model")) == (
        r"a\n2026-01-01 INFO all is well is no model"
    )


def test_a_list_keeps_its_lines_and_nothing_else_that_steers():
    assert str(ListedError("first\n  - \x1b]0;title\x07")) == "first\n  - " + r"\x1b]0;title\x07"


def test_a_message_is_cut_at_a_length_that_a_person_reads():
    message = str(ListedError("\n".join(["x" * 100_000] * 1000)))
    assert len(message) < 100_000
    assert message.endswith("… and 940 more lines")
    assert len(str(LayerwiseError("x" * 100_000))) < 2000


def test_what_a_person_can_read_is_shown_as_it_is():
    assert shown("Zoë 語音.wav") == "Zoë 語音.wav"
