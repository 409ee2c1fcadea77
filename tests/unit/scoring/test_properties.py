from layerwise.scoring.properties import PROPERTIES, is_ranked


def test_questions_are_asked_of_these_layers():
    names = ["C1", "C7", "T0", "T1", "T2"]
    assert {name: entry.layers(names) for name, entry in PROPERTIES.items()} == {
        "intra": names[2:],
        "mel": names,
        "phone": names[2:],
        "word": names[2:],
    }


def test_a_layer_is_ranked_by_all_but_likeness_to_another():
    assert [name for name in PROPERTIES if not is_ranked(name)] == ["intra"]
    assert is_ranked("a property of somebody's own")


def test_a_layer_that_is_compared_with_itself_is_not_informative():
    assert PROPERTIES["intra"].informative(["T0", "T1"]) == ["T1"]
    assert PROPERTIES["mel"].informative(["T0", "T1"]) == ["T0", "T1"]
