"""Seeds: the numbers that earlier versions drew, written down before their six helpers became these four."""

import numpy as np
import pytest

from layerwise.seeds import fold_key, generator, seed_of, short_seed


@pytest.mark.parametrize(
    ("parts", "drawn"),
    [
        ((1, 2, "phone"), [856409565, 575694939, 646374316]),
        ((0, 3, "größe"), [113083361, 797478587, 283317971]),
        ((4, "phone", "hubert-base", "T3"), [856756344, 27065957, 762771032]),
        ((4,), [726442772, 943056105, 881395918]),
    ],
)
def test_generators_draw_what_they_drew(parts, drawn):
    assert generator(*parts).integers(10**9, size=3).tolist() == drawn


def test_generators_of_integers_are_those_of_numpy():
    assert generator(1, 2, 0).permutation(6).tolist() == [4, 5, 1, 0, 3, 2]


def test_neighbouring_names_are_kept_apart():
    assert generator(1, "ab", "c").random() != generator(1, "a", "bc").random()


def test_hashes_are_what_they_were():
    assert seed_of(1, "asr", "T3") == 161053760067754
    assert seed_of(1, "asr", "T3", "dropout", 0, 4) == 216313091158682
    assert fold_key(1, "1272") == 8131156955589783080
    assert fold_key(1, 2, "mañana") == 4961407633762902769
    assert fold_key(np.int64(1), np.str_("a'b")) == 3688665384397582974
    assert short_seed(17, "bear-0000") == 3731203707
    assert short_seed(17) == 1060745282


def test_orders_are_what_they_were():
    order = sorted((f"spk-{number}" for number in range(8)), key=lambda name: seed_of(3, "part", name))
    assert [int(name[-1]) for name in order] == [1, 5, 2, 7, 0, 3, 6, 4]
