import re

import pytest

from layerwise.layers import (
    SPAN_OF_HEADS,
    SPAN_OF_LAYERS,
    block_names,
    conv_names,
    is_conv,
    is_layer,
    is_transformer,
    layer_index,
    layer_key,
    layer_names,
    layer_ranges,
    transformer_names,
)


def test_names_in_order_of_depth():
    assert layer_names(2, 3) == ["C1", "C2", "T0", "T1", "T2", "T3"]
    assert layer_names(0, 1) == ["T0", "T1"]
    assert sorted(set(layer_names(11, 12)), key=layer_key) == layer_names(11, 12)


def test_parts_of_a_model():
    assert conv_names(2) == list(filter(is_conv, layer_names(2, 2)))
    assert transformer_names(2) == list(filter(is_transformer, layer_names(2, 2)))
    assert block_names(2) == ["T1", "T2"]


@pytest.mark.parametrize("name", ["T0", "T12", "C7", "T9999"])
def test_a_name(name):
    assert is_layer(name)
    assert layer_index(name) == int(name[1:])


@pytest.mark.parametrize("name", ["", "T", "t1", "T01", "T-1", "T1 ", "X3", "T10000", 3, None])
def test_no_name(name):
    assert not is_layer(name)
    with pytest.raises(ValueError, match="not a layer's name"):
        layer_key(name)


@pytest.mark.parametrize(
    ("layers", "short"),
    [(["T0", "T1", "T2", "T5"], "T0-T2, T5"), (["T10", "T9", "C7", "T9"], "C7, T9-T10"), ([], "")],
)
def test_layer_ranges(layers, short):
    assert layer_ranges(layers) == short


@pytest.mark.parametrize("text", ["T3", "C7", "T0-T6", "C1-T12", "T9999"])
def test_spans_of_layers(text):
    assert re.fullmatch(SPAN_OF_LAYERS, text)


@pytest.mark.parametrize("text", ["T01", "T", "X3", "weighted", "T0-T6-T9", "T0-", "T10000"])
def test_what_is_no_span_of_layers(text):
    assert not re.fullmatch(SPAN_OF_LAYERS, text)


@pytest.mark.parametrize("text", ["T3", "T0-T6", "T7-weighted", "weighted"])
def test_spans_of_heads(text):
    assert re.fullmatch(SPAN_OF_HEADS, text)
    assert not re.fullmatch(SPAN_OF_HEADS, text.replace("T", "C") + "s")
