"""What is told while EM climbs."""

import re

import bayesgmm as bg
from bayesgmm import pace
from bayesgmm.sources import Blocks


class Line:
    """Keeps what it is told."""

    def __init__(self):
        self.told, self.is_open = [], False

    def add_task(self, _):
        return 0

    def start(self):
        self.is_open = True

    def update(self, _, description):
        self.told.append(description)

    def stop(self):
        self.is_open = False


def test_passes_rows_a_second_objective_and_time_left(monkeypatch):
    line = Line()
    monkeypatch.setattr(pace, "PATIENCE", 0.0)
    monkeypatch.setattr("bayesgmm.progress.progress_line", lambda: line)
    X = bg.simulate(2000, 2, 2, 2.0, seed=1)[0]
    em = bg.fit_em(X, 2, n_init=2, accelerate=False)
    assert len(line.told) == em.n_passes
    assert not line.is_open
    shape = r"EM \d of 2: pass \d+, [\d,]+ rows/s, objective -[\d,.]+"
    assert all(re.match(shape, sentence) for sentence in line.told)
    assert sum("s left" in sentence for sentence in line.told) > em.n_passes / 2
    line.told.clear()
    bg.fit_em(Blocks(lambda: [X]), 2)
    assert line.told[0] == "Finding rows to try starts on (2,000 rows)"
    assert re.match(r"EM: pass 1, [\d,]+ rows/s, objective -", line.told[1])
    line.told.clear()
    bg.fit_em(X, 2, progress=False)
    assert not line.told
