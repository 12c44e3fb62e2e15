"""Exit codes, help, and errors that a person can act on."""

import subprocess
import sys
from typing import Any

import pytest

from shortlist import __version__
from shortlist.cli import main
from shortlist.cli._values import count, day, pair, port, weighted

COMMANDS = ("demo", "fit", "evaluate", "recommend", "serve", "inspect", "embed", "profile")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert f"examples:\n  shortlist {command}" in shown
    assert max(map(len, shown.splitlines())) <= 110


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"shortlist {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fti"], "did you mean 'fit'?"),
        (["fit", "--events", "a", "--out", "b", "--itmes", "c"], "did you mean '--items'?"),
        (["fit", "--out", "b"], "--events"),
        (["fit", "--events", "a", "--out", "b", "--positive", "view=-1"], "a weight above 0"),
        (["fit", "--events", "a", "--out", "b", "--cancel", "return"], "NAME=NAME"),
        (["fit", "--events", "a", "--out", "b", "--epochs", "0"], "an integer >= 1"),
        (["evaluate", "b", "--events", "a", "--since", "monday"], "a date such as"),
        (["evaluate", "b", "--events", "a", "--seen", "some"], "invalid choice"),
        (["serve", "b", "--port", "70000"], "a port from 0 to 65535"),
        (["recommend", "b", "--users", "u", "--json", "--csv"], "not allowed with"),
        (["recommend"], "BUNDLE"),
    ],
)
def test_wrong_arguments(call: Any, arguments: list[str], told: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: shortlist")
    assert told in err


def test_an_unexpected_failure_is_1(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("shortlist.cli._inspect.run", fail)
    code, _, err = call("inspect", "b")
    assert code == 1
    assert err.startswith("unexpected error: RuntimeError: broken\n")
    monkeypatch.setenv("SHORTLIST_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(["inspect", "b"])


def test_an_interrupt_is_130(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shortlist.cli._inspect.run", stop)
    assert call("inspect", "b") == (130, "", "")


def test_values() -> None:
    assert (count("3"), port("0"), pair(" a = b ")) == (3, 0, ("a", "b"))
    assert weighted("view=0.5") == ("view", 0.5)
    assert (day("2026-01-31T10:00").day, day("2026-01-31T10:00").hour) == (31, 10)


def test_help_loads_nothing_heavy() -> None:
    heavy = ("torch", "polars", "numpy", "starlette", "onnxruntime", "faiss")
    script = (
        "import sys, shortlist.cli\n"
        "try: shortlist.cli.main(['fit', '--help'])\n"
        f"except SystemExit: print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
