"""What of a workflow's columns can be kept by user or item, since nothing but their tables decides it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from shortlist.data import Array, Batch, Candidates, Flow, Ragged, Requests
from shortlist.pipeline._kept_rows import KeptRows
from shortlist.pipeline._raw import RawColumns
from shortlist.pipeline._wanted import LookBack, Wanted

__all__ = ["Asked", "Kept", "encoded_items", "encoded_users", "keep_items", "keep_users"]

Positions = npt.NDArray[np.int64]
Packs = Sequence[tuple[str, ...]]
Columns = dict[str, Array | Ragged]


class Asked(NamedTuple):
    """Q requests, and of each the position of its user and its time."""

    requests: Requests
    users: Positions
    times: Positions


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What is kept of one side for a workflow.

    Attributes:
        rows: encoded columns by position of the user or item; None where there are none such.
        once: where the raw columns come from that the rows are made of.
        rest: where those come from that have to be read for each request.
        histories: what makes a list of items, the name of its encoded column, the code of each item.
    """

    rows: KeptRows | None
    once: Wanted
    rest: Wanted
    histories: tuple[tuple[LookBack, str, KeptRows], ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The raw columns that the rows are made of."""
        return frozenset(_names(self.once))


def keep_users(flow: Flow, raw: RawColumns, asked: Asked, packs: Packs, rows: int) -> Kept | None:
    """What can be kept of so many users; None if there is no telling.

    Args:
        flow: the workflow.
        raw: reads columns.
        asked: any requests, to try what the workflow makes of their columns.
        packs: names of encoded columns that the model reads side by side.
        rows: users of the table.
    """
    wanted = raw.wanted(flow)
    whole = raw.of_query(wanted, *asked)
    histories = tuple(back for back in wanted.of_query if _is_of_items(flow, back))
    once = _alone(flow, whole, (*wanted.user_ids, *wanted.user_table), wanted)
    done = {*once, *(back.made.name for back in histories)}
    rest = replace(
        _but(wanted, once), of_query=tuple(back for back in wanted.of_query if back not in histories)
    )
    parts = [{name: whole[name]} for name in done]
    parts.append({name: column for name, column in whole.items() if name not in done})
    if len(asked.users) == 0 or not _make_up(flow, whole, parts):
        return None
    template = flow.transform_batch(Batch({name: whole[name] for name in once}, rows=len(asked.users)))
    kept = KeptRows.empty(rows, template, packs) if once else None
    return Kept(kept, _only(wanted, once), rest, tuple(_coded(flow, raw, back) for back in histories))


def keep_items(
    flow: Flow, raw: RawColumns, asked: Asked, candidates: Candidates, *, packs: Packs, rows: int
) -> Kept | None:
    """The same of items, by what the workflow makes of some candidates."""
    wanted = raw.wanted(flow)
    query = raw.of_query(wanted, *asked)
    own = raw.of_candidates(wanted, query, asked.users, asked.times, candidates)
    once = _alone(flow, own, (*wanted.item_ids, *wanted.item_table), wanted)
    if not once or len(candidates.items) == 0:
        return None
    parts = [query, {name: own[name] for name in once}]
    parts.append({name: column for name, column in own.items() if name not in once})
    both = Batch({**own, **query}, rows=len(candidates.items), query=query, query_of=candidates.query_of)
    if set(flow.transform_batch(both)) != _made(flow, parts):
        return None
    template = flow.transform_batch(Batch(parts[1], rows=len(candidates.items)))
    return Kept(KeptRows.empty(rows, template, packs), _only(wanted, once), _but(wanted, once))


def encoded_users(flow: Flow, raw: RawColumns, kept: Kept, users: Positions) -> Batch:
    """The columns of rows that are kept, of users by position."""
    return flow.transform_batch(Batch(raw.of_users(kept.once, users), rows=len(users)))


def encoded_items(flow: Flow, raw: RawColumns, kept: Kept, items: Positions) -> Batch:
    """The columns of rows that are kept, of items by position."""
    return flow.transform_batch(Batch(raw.of_items(kept.once, items), rows=len(items)))


def _alone(flow: Flow, columns: Mapping[str, Any], names: Iterable[str], wanted: Wanted) -> set[str]:
    """Those of some raw columns that become single numbers; not those that history ops ask with."""
    history_ops = (*wanted.of_query, *wanted.of_item, *wanted.of_pair)
    asked = {name for back in history_ops for name in back.op.needs.row}
    asked -= {"user", "item"}  # which are no columns
    found = set()
    for name in names:
        made = list(flow.transform_batch(Batch({name: columns[name]})).items()) if name not in asked else []
        plain = [isinstance(c, np.ndarray) and c.ndim == 1 and c.dtype.kind in "iuf" for _, c in made]
        if plain and all(plain):
            found.add(name)
    return found


def _make_up(flow: Flow, whole: Columns, parts: Iterable[Columns]) -> bool:
    """Whether the workflow makes of parts what it makes of the whole."""
    return set(flow.transform_batch(Batch(whole))) == _made(flow, parts)


def _made(flow: Flow, parts: Iterable[Columns]) -> set[str]:
    return {name for part in parts if part for name in flow.transform_batch(Batch(part))}


def _is_of_items(flow: Flow, back: LookBack) -> bool:
    """Whether a history op gives lists of items, each of which the workflow encodes by itself."""
    elementwise = getattr(flow, "elementwise", None)
    needs = back.op.needs
    alone = needs.codes == "item" and {"user", "item"}.issuperset(needs.row)
    return alone and bool(elementwise and elementwise(back.made.name))


def _coded(flow: Flow, raw: RawColumns, back: LookBack) -> tuple[LookBack, str, KeptRows]:
    """Room for the codes of all items in the lists of a history op."""
    name = back.made.name
    nobody = Batch({name: Ragged(raw.item_ids(np.zeros(0, np.int64)), np.zeros(1, np.int64))})
    (made,) = flow.transform_batch(nobody)
    rows = np.zeros((raw.size, 1), np.int64)
    return back, made, KeptRows([(made,)], [rows], np.zeros(raw.size, np.bool_))


def _names(wanted: Wanted) -> tuple[str, ...]:
    return (*wanted.user_ids, *wanted.item_ids, *wanted.user_table, *wanted.item_table)


def _only(wanted: Wanted, names: set[str]) -> Wanted:
    """The columns of these names, of tables alone."""
    both = {part: getattr(wanted, part) for part in ("user_ids", "item_ids", "user_table", "item_table")}
    kept = {part: tuple(name for name in own if name in names) for part, own in both.items()}
    nothing: tuple[Any, ...] = ()
    return Wanted(
        **kept,
        times=nothing,
        context=nothing,
        others=nothing,
        of_query=nothing,
        of_item=nothing,
        of_pair=nothing,
    )


def _but(wanted: Wanted, names: set[str]) -> Wanted:
    """All columns but those of these names."""
    both = {part: getattr(wanted, part) for part in ("user_ids", "item_ids", "user_table", "item_table")}
    left = {part: tuple(name for name in own if name not in names) for part, own in both.items()}
    return replace(wanted, **left)
