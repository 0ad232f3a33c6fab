"""A chain that is stopped before its end, as Ctrl-C would stop it."""


def stop_second_chain(monkeypatch, kind, lost):
    """Let the second chain of this class that runs end so many draws early."""
    whole, count = kind.run, iter(range(10))

    def run(chain):
        if next(count) == 1:
            chain.total -= lost
        whole(chain)

    monkeypatch.setattr(kind, "run", run)
