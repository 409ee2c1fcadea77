"""Jobs side by side compute on different GPUs; a batch that does not fit is halved. No GPU is needed for either."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
import torch

from layerwise.models import devices
from layerwise.models.devices import InHalves, claimed_device, visible_devices

TWO = {"cuda:0": "a", "cuda:1": "b"}
HOLD = """
import sys, time
from layerwise.models.devices import claimed_device
with claimed_device({"cuda:0": "a", "cuda:1": "b"}) as device:
    print(device, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def job():
    """Starts another process that claims a device and holds it: (the process, the device)."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_jobs_of_one_machine_take_different_devices(job, caplog):
    first, on = job()
    assert on == "cuda:0"
    _, also_on = job()
    assert also_on == "cuda:1"
    with claimed_device(TWO) as third:
        assert third in TWO
    assert "all 2 GPUs are in use" in caplog.text
    first.kill()  # even so its device is free again
    first.wait()
    with claimed_device(TWO) as device:
        assert device == "cuda:0"


def test_a_device_is_free_after_an_error():
    with pytest.raises(ValueError, match="oops"), claimed_device(TWO):
        raise ValueError("oops")
    with claimed_device(TWO) as device:
        assert device == "cuda:0"


def test_without_a_gpu():
    with claimed_device({}) as device, claimed_device({}) as another:
        assert device == another == "cpu"


@pytest.mark.parametrize(
    ("shown", "names"), [(None, {"cuda:0": "0", "cuda:1": "1"}), ("3,5", {"cuda:0": "3", "cuda:1": "5"})]
)
def test_devices_are_told_apart_by_what_the_machine_calls_them(monkeypatch, shown, names):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if shown:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert visible_devices() == names


class Device:
    """Has memory for three numbers."""

    def __init__(self) -> None:
        self.tried: list[int] = []

    def double(self, batch):
        self.tried.append(len(batch))
        if len(batch) > 3 or "huge" in batch:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return [2 * item for item in batch]


def test_batches_are_halved_until_they_fit(caplog):
    device = Device()
    run = InHalves(device.double, len)
    with caplog.at_level(logging.WARNING, devices.__name__):
        assert run(list(range(10))) == [2 * item for item in range(10)]
        assert device.tried == [10, 5, 2, 3, 2, 3]
        assert len(caplog.records) == 2
        assert "halved" in caplog.text
        device.tried.clear()
        assert run(list(range(6))) == [2 * item for item in range(6)]
    assert device.tried == [3, 3]  # what was too large once is not tried again
    assert len(caplog.records) == 2


def test_one_alone_that_does_not_fit():
    with pytest.raises(torch.cuda.OutOfMemoryError):
        InHalves(Device().double, len)([1, "huge", 3])
