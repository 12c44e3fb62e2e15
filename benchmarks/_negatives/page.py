"""What the benchmarks of objectives share: arguments, and the page they write."""

import argparse
import platform
import re
import shlex
import sys
from datetime import date
from pathlib import Path

import shortlist as sl

from .data import logs

RESULTS = Path(__file__).parents[1] / "results"


def arguments(text: str) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a planted log, one seed, two epochs, no file")
    parser.add_argument(
        "--movielens", type=Path, metavar="FOLDER", help="holds ml-100k.inter, .user and .item"
    )
    parser.add_argument("--latest", type=Path, metavar="FILE", help="ratings.csv of MovieLens latest-small")
    parser.add_argument("--wines", type=Path, metavar="FILE", help="the ratings of X-Wines, Slim")
    parser.add_argument("--games", type=Path, metavar="FILE", help="playedgames.parquet of IFDB")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="logs by the start of their name; all else")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="0 chose the settings")
    parser.add_argument("--part", choices=("valid", "test"), default="test", help="valid to choose settings")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="objectives by name; all else")
    return parser.parse_args()


def asked(options: argparse.Namespace) -> dict[str, sl.Dataset]:
    """The logs of the command line, by name."""
    files = {
        "MovieLens 100k": options.movielens,
        "MovieLens latest-small": options.latest,
        "X-Wines": options.wines,
        "IFDB": options.games,
    }
    return logs(files, tuple(options.sets or ("",)), small=options.small)


def write(name: str, lines: list[str], *, small: bool) -> None:
    """Print a page, and keep it unless it is of the small size."""
    text = "\n".join(lines) + "\n"
    print(text)
    if not small:
        (RESULTS / f"{name}_{machine()}_{date.today().isoformat()}.md").write_text(text)


def heading(title: str) -> list[str]:
    """Title, command, machine, date."""
    arguments = " ".join(shlex.quote(part) for part in sys.argv[1:])
    command = f"python benchmarks/{Path(sys.argv[0]).name} {re.sub('/[^ ]*/', '', arguments)}".strip()
    return [f"# {title}", "", f"`{command}` on {machine()}, {date.today().isoformat()}", ""]


def machine() -> str:
    """The processor."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    name = model.group(1) if model else platform.processor() or platform.machine()
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
