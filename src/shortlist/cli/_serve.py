"""``shortlist serve``."""

import argparse
from pathlib import Path

from shortlist.cli._keys import keys_of
from shortlist.cli._values import count, port, portion, share
from shortlist.errors import ArgumentError

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "serve"
HELP = "answer over HTTP"
ABOUT = """Serve bundles over HTTP until interrupted: POST /recommend, /events, /items and /similar, GET
/health/live, /health/ready, /metrics, and /docs, a page to read and to try. Only this machine can reach
the default address; where others can, ask them for a key (--api-keys) and put a proxy that
speaks TLS before it. Events and items that arrive are kept on disk and count from the next request on.
A bundle that is written anew, or published to a shelf, is swapped in without a failed request.
Several bundles are told apart by name, and share the users or shadow the one that answers."""
EXAMPLES = """examples:
  shortlist serve my-bundle
  shortlist serve my-bundle --host 0.0.0.0 --port 80 --log-answers answers --log-events events
  shortlist serve old=shop new=shop-2 --share old=90 --share new=10
  shortlist serve old=shop new=shop-2 --shadow new
  shortlist serve my-bundle --store redis://127.0.0.1:6379/0
  curl localhost:8000/recommend -d '{"user": "u1", "k": 5}'"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "bundles",
        nargs="+",
        metavar="[NAME=]BUNDLE",
        help="folder of a bundle or shelf of its versions; several need names",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument(
        "--port", type=port, default=8000, help="port to bind, 0 for a free one (%(default)s)"
    )
    parser.add_argument(
        "--grpc-port", type=port, metavar="PORT", help="answer gRPC of the Open Inference Protocol there too"
    )
    parser.add_argument(
        "--threads", type=count, metavar="N", help="requests at work at once (2, or 1 on one core)"
    )
    parser.add_argument(
        "--watch",
        type=float,
        default=2.0,
        metavar="S",
        help="seconds between looks whether a bundle has changed, 0 for never (%(default)s)",
    )
    parser.add_argument(
        "--timeout-ms", type=count, default=0, metavar="MS", help="time that a request may take (no limit)"
    )
    parser.add_argument("--api-keys", type=Path, metavar="FILE", help="a key a line; requests must bring one")
    parser.add_argument(
        "--live",
        type=Path,
        metavar="DIR",
        help="where arriving events and items are kept (BUNDLE.live, beside the bundle)",
    )
    parser.add_argument(
        "--store",
        metavar="URL",
        help="read users and keep events there, for several servers: redis://HOST:PORT/0, or feast:FOLDER",
    )
    parser.add_argument(
        "--clock",
        choices=("wall", "log"),
        default="wall",
        help="the present: this machine's time, or from the end of the bundle's log on (%(default)s)",
    )
    _add_traffic(parser)
    _add_logs(parser)


def _add_traffic(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--share",
        type=share,
        action="append",
        metavar="NAME=NUMBER",
        help="share of the users that a bundle answers; by default the first answers all",
    )
    parser.add_argument(
        "--shadow",
        action="append",
        default=[],
        metavar="NAME",
        help="ask this bundle the same beside the one that answers; compare and log, show nothing",
    )


def _add_logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-answers", type=Path, metavar="DIR", help="write every answer there, as Parquet"
    )
    parser.add_argument(
        "--log-events",
        type=Path,
        metavar="DIR",
        help="write every event there with its request id, as Parquet",
    )
    parser.add_argument(
        "--sample",
        type=portion,
        default=0.01,
        metavar="SHARE",
        help="share of the requests that recall and drift are told by, off their path (%(default)s)",
    )
    parser.add_argument("--access-log", action="store_true", help="log a line for each answer")
    parser.add_argument(
        "--log-format", choices=("text", "json"), default="text", help="form of the log (%(default)s)"
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.monitor import MonitorOptions
    from shortlist.server import ServerOptions, Traffic, log_to_stderr, serve

    log_to_stderr(options.log_format)
    bundles = _named(options.bundles)
    shares = dict(options.share or [(next(iter(bundles)), 1.0)])
    threads = {} if options.threads is None else {"workers": options.threads}
    chosen = ServerOptions(
        **threads,
        answers=options.log_answers,
        events=options.log_events,
        live=options.live,
        store=options.store,
        clock=options.clock,
        traffic=Traffic(shares, tuple(options.shadow)),
        watch_s=options.watch,
        timeout_ms=options.timeout_ms,
        api_keys=() if options.api_keys is None else keys_of(options.api_keys),
        access_log=options.access_log,
        monitor=MonitorOptions(sample=options.sample),
        grpc=None if options.grpc_port is None else f"{options.host}:{options.grpc_port}",
    )
    serve(bundles, host=options.host, port=options.port, options=chosen)


def _named(texts: list[str]) -> dict[str, str]:
    """Folders by name; a single one needs none."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, folder = text.partition("=")
        if not sign or Path(text).exists():
            name, folder = Path(text).resolve().name, text
        if name in found or not folder:
            raise ArgumentError(
                "bundles", received=text, expected="a name of its own for each", remedy="write NAME=FOLDER"
            )
        found[name] = folder
    return found
