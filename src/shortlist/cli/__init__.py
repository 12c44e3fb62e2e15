"""The command line: parse, call one public function, print."""

from shortlist.cli._main import main

__all__ = ["main"]
