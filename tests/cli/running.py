"""Commands run in this process."""

from typer.testing import CliRunner

from bayesgmm import cli


def run(*arguments, stdin=None):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], input=stdin)
