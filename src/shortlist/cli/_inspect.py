"""``shortlist inspect``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shortlist.bundle import Reader
    from shortlist.pipeline import Pipeline

__all__ = ["ABOUT", "EXAMPLES", "HELP", "NAME", "add_options", "run"]

NAME = "inspect"
HELP = "look into a bundle"
ABOUT = """Show what a bundle holds: stages, parts with their sizes, index, tables, metrics and
fingerprint. Every file is compared with its checksum."""
EXAMPLES = """examples:
  shortlist inspect my-bundle
  shortlist inspect my-bundle --json"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> None:
    """Carry the command out."""
    from shortlist.bundle import Reader
    from shortlist.cli._show import plain_json
    from shortlist.pipeline import load

    bundle = Reader(options.bundle).open()
    pipe = load(options.bundle, verify=False)
    if options.json:
        print(plain_json({**_files(bundle), **_contents(bundle, pipe), "facts": bundle.facts}))
    else:
        _print(bundle, pipe)


def _files(bundle: "Reader") -> dict[str, Any]:
    manifest = bundle.manifest
    sizes = {name: file["bytes"] for name, file in manifest["files"].items()}
    return {
        "folder": str(bundle.folder),
        "version": bundle.version,
        **{name: manifest[name] for name in ("format", "shortlist", "created")},
        "files": len(sizes),
        "bytes": sum(sizes.values()),
        "checksums": "verified",
        "parts": {
            part: {"kind": kind, "bytes": sum(n for name, n in sizes.items() if name.startswith(f"{part}/"))}
            for part, kind in bundle.parts.items()
        },
    }


def _contents(bundle: "Reader", pipe: "Pipeline") -> dict[str, Any]:
    store, stages = pipe.state.store, pipe.check()
    return {
        "counts": {"items": len(store.items), "users": len(store.users), "events": len(store.events())},
        "columns": {"items": store.item_schema.names, "users": store.user_schema.names},
        "stages": [dict(zip(stages.columns, row, strict=True)) for row in stages.rows],
        "indexes": _indexes(bundle),
    }


def _indexes(bundle: "Reader") -> dict[str, Any]:
    from shortlist import index

    names = [name for name, kind in bundle.parts.items() if kind == "index"]
    return {name: index.load(bundle.part(name), verify=False).facts.to_json() for name in names}


def _print(bundle: "Reader", pipe: "Pipeline") -> None:
    from shortlist.cli._show import plain_json
    from shortlist.report import Table

    files, store = _files(bundle), pipe.state.store
    print(f"bundle {files['folder']}, version {files['version']}, written {files['created']}")
    print(f"by shortlist {files['shortlist']}, format {files['format']}")
    print(f"{files['files']} files, {files['bytes']:,} bytes, every checksum right")
    print(f"{len(store.items):,} items, {len(store.users):,} users, {len(store.events()):,} events\n")
    print(Table(("part", "kind", "bytes"), [(name, *part.values()) for name, part in files["parts"].items()]))
    for name, known in _indexes(bundle).items():
        print(f"\n{name}: {known['kind']}, {known['count']:,} vectors of width {known['dim']}, ", end="")
        print(f"recall@{known['recall_at']} {known['recall']:.3f} against exact search")
    print(f"\n{pipe.check()}\n\nitem table\n{store.item_schema}\n\nuser table\n{store.user_schema}")
    if bundle.facts:
        print(f"\nfacts\n{plain_json(bundle.facts)}")
