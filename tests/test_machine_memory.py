"""How much memory a block takes at most is measured."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from explorer.machine import peak_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_peak_of_a_block_is_what_it_holds_at_once() -> None:
    with peak_memory() as grown:
        for _ in range(3):
            np.ones(25_000_000, np.float64)  # 200 MB, written to, and given back
    with peak_memory() as nothing:
        pass
    assert grown[0] == pytest.approx(200e6, rel=0.1)
    assert nothing[0] < 20e6
