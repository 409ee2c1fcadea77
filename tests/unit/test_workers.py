"""Workers compute with one thread each: whatever the process's own number of threads is, all give the same bytes."""

from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from layerwise.models.by_name import load
from layerwise.workers import Workers
from tiny_architectures import ARCHITECTURES, make_architecture
from tiny_models import speech
from tiny_originals import settings, weights, write

ORIGINALS = ["av_hubert", "fast_vgs"]  # the others are computed by transformers' modules
WAVEFORMS = [speech(0.3 + 0.05 * (seed % 5), seed=seed) for seed in range(5)]  # a layer of another one would show


@pytest.fixture(autouse=True)
def _as_before():
    gc.collect()  # pools that earlier tests have forgotten
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=[*ARCHITECTURES, *ORIGINALS])
def model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / request.param
    if request.param in ARCHITECTURES:
        return load(make_architecture(request.param, folder))
    values = settings(encoder_layers=2, layer_use=1)
    return load(write(request.param, folder, values, weights(request.param, values)))


def test_layers_of_every_family_are_the_same_bytes(model):
    first = None
    for threads in (1, 2):
        for workers in (1, 2, 4):
            torch.set_num_threads(threads)
            with Workers(workers) as pool:
                layers = [
                    {name: rows.tobytes() for name, rows in of.items()} for of in pool.map(model.layers, WAVEFORMS)
                ]
            first = first or layers
            for number, (found, expected) in enumerate(zip(layers, first, strict=True)):
                assert [name for name in expected if found[name] != expected[name]] == [], (threads, workers, number)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if "conformer" in name])
def test_positions_that_a_part_keeps_are_not_those_of_another_thread(name, tmp_path, monkeypatch):
    """A part keeps something and waits: another thread could replace it by what is too short for this one."""
    model = load(make_architecture(name, tmp_path / name))
    keeping = [part for part in model.module.modules() if hasattr(part, "pe") or hasattr(part, "inv_freq")]

    def start_again():
        for part in keeping:
            if hasattr(part, "pe"):
                part.pe = part.pe[:, part.pe.shape[1] // 2 :][:, :1]  # that of one frame
            else:
                part.cached_sequence_length = None

    def slowly(part, attribute, value):
        pause = 0.02 if attribute == "pe" or attribute.startswith("cached_") else 0
        time.sleep(pause)
        torch.nn.Module.__setattr__(part, attribute, value)
        time.sleep(pause)

    longest_first = WAVEFORMS[::-1]
    start_again()
    with Workers(1) as pool:
        expected = list(pool.map(model.layers, longest_first))
    for kind in {type(part) for part in keeping}:
        monkeypatch.setattr(kind, "__setattr__", slowly)
    start_again()
    with Workers(len(longest_first)) as pool:
        found = list(pool.map(model.layers, longest_first))
    for of_found, of_expected in zip(found, expected, strict=True):
        assert all(of_found[layer].tobytes() == of_expected[layer].tobytes() for layer in of_expected)


def by_one_thread(product):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            return product().tobytes()
    finally:
        torch.set_num_threads(before)


def products() -> dict:
    """Long sums, which several threads add up in another order."""
    generator = np.random.default_rng(0)
    left, right = (generator.standard_normal(shape).astype(np.float32) for shape in ((300, 4096), (4096, 512)))
    tensors = torch.from_numpy(left), torch.from_numpy(right)
    return {"torch": lambda: (tensors[0] @ tensors[1]).numpy(), "BLAS": lambda: left @ right}


@pytest.mark.parametrize("product", products().values(), ids=products())
def test_the_first_product_of_a_worker_is_by_one_thread(product):
    expected = by_one_thread(product)
    torch.set_num_threads(2)
    barrier = threading.Barrier(3)  # each worker has its turn
    with Workers(3) as pool:
        assert set(pool.map(lambda _: (barrier.wait(10), product().tobytes())[1], range(3))) == {expected}


def test_a_number_that_is_set_later_is_not_that_of_workers():
    product = products()["torch"]
    expected = by_one_thread(product)
    with Workers(1) as pool:
        pool.submit(int).result()  # it has started, and computed nothing
        torch.set_num_threads(2)
        torch.randn(100_000).sum()
        assert pool.submit(torch.get_num_threads).result() == 1
        assert pool.submit(product).result().tobytes() == expected


@pytest.mark.parametrize("ending", ["shutdown", "forgotten"])
def test_the_caller_has_its_threads_again_afterwards(ending):
    torch.set_num_threads(2)
    before = threadpool_info()
    pool = Workers(2)
    assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {1}
    assert list(pool.map(abs, [-1, -2])) == [1, 2]
    if ending == "shutdown":
        pool.shutdown()
    del pool
    assert threadpool_info() == before
    assert torch.get_num_threads() == 2


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_pool_that_ends_leaves_one_that_still_computes_its_one_thread():
    with threadpool_limits(2, "blas"):
        first, second = Workers(1), Workers(1)
        first.shutdown()
        assert blas_threads() == {1}
        second.shutdown()
        assert blas_threads() == {2}
