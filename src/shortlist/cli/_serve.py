"""``shortlist serve``."""

import argparse
from pathlib import Path

from shortlist.cli._values import count, port

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "serve"
HELP = "answer over HTTP"
ABOUT = """Serve a bundle over HTTP until interrupted: POST /recommend and /events, GET /health/live,
/health/ready, /metrics, and /docs, a page to read and to try. Only this machine can reach
the default address; there is no login, so put a proxy before it where others can. Events
that arrive are kept on disk and count from the next request on."""
EXAMPLES = """examples:
  shortlist serve my-bundle
  shortlist serve my-bundle --host 0.0.0.0 --port 80 --log-answers answers
  curl localhost:8000/recommend -d '{"user": "u1", "k": 5}'"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument(
        "--port", type=port, default=8000, help="port to bind, 0 for a free one (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=count, default=2, metavar="N", help="requests at work at once (%(default)s)"
    )
    parser.add_argument(
        "--log-answers", type=Path, metavar="DIR", help="write every answer there, as Parquet"
    )
    parser.add_argument(
        "--live",
        type=Path,
        metavar="DIR",
        help="where arriving events are kept (BUNDLE.live, beside the bundle)",
    )
    parser.add_argument(
        "--clock",
        choices=("wall", "log"),
        default="wall",
        help="the present: this machine's time, or from the end of the bundle's log on (%(default)s)",
    )


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    import logging

    from shortlist.server import ServerOptions, serve

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    chosen = ServerOptions(
        workers=options.threads, answers=options.log_answers, live=options.live, clock=options.clock
    )
    serve(options.bundle, host=options.host, port=options.port, options=chosen)
