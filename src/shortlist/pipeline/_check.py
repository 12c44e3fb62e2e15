"""Whether stages fit together."""

from collections.abc import Sequence

from shortlist.errors import PipelineError, near
from shortlist.pipeline._explore import Explore
from shortlist.pipeline._stage import CANDIDATES, PROPENSITY, SCORES, Stage, is_source, leaves
from shortlist.pipeline._state import State
from shortlist.pipeline._take import Take
from shortlist.report import Table

__all__ = ["check_columns", "check_order", "check_table"]


def check_order(stages: Sequence[Stage]) -> None:
    """One source stands first, and nothing is needed before it is given.

    Raises:
        PipelineError: there is no stage, something is no stage, or the order is wrong.
    """
    for stage in stages:
        lacking = [part for part in ("name", "needs", "gives", "run") if not hasattr(stage, part)]
        if lacking:
            raise PipelineError(
                "Pipeline",
                received=f"{stage!r} without {', '.join(lacking)}",
                expected="stages",
                remedy="wrap a function in Apply(function, name)",
            )
    if not stages or not is_source(stages[0]):
        raise PipelineError(
            "Pipeline",
            received=f"{stages[0].name!r} as the first stage" if stages else "no stages",
            expected="a source first, such as Retrieve, Popular or Merge",
            remedy="put the source before the stages that work on its candidates",
        )
    given: set[str] = set()
    sources = [part.name for part in leaves(stages[0])]
    for stage in stages:
        if is_source(stage) and given:
            raise PipelineError(
                f"stage {stage.name!r}",
                received="a source behind other stages",
                expected="one source, the first stage",
                remedy="combine sources with Merge",
            )
        if SCORES in stage.needs and SCORES not in given:
            raise PipelineError(
                f"stage {stage.name!r}",
                received="candidates without scores",
                expected="scores",
                remedy="put a stage that gives scores before it",
            )
        named = getattr(stage, "source", None)
        if isinstance(stage, Explore) and named is not None and named not in sources:
            raise PipelineError(
                f"stage {stage.name!r}",
                received=f"source={named!r}",
                expected="the name of a source",
                remedy=near(named, sources),
            )
        if PROPENSITY in given and not isinstance(stage, Take):
            raise PipelineError(
                f"stage {stage.name!r}",
                received="a stage behind one that draws by chance and records how likely each place was",
                expected="only Take behind it",
                remedy="put Sample or Explore last, with start= for the places that are not to be drawn",
            )
        given |= set(stage.gives)


def check_columns(stages: Sequence[Stage], state: State) -> None:
    """Every column that a stage needs is given by an earlier one or stands in the item table.

    Raises:
        PipelineError: one is not.
    """
    given: set[str] = set()
    for stage in stages:
        for name in set(stage.needs) - {CANDIDATES, SCORES} - given:
            if name not in state.store.item_schema:
                known = [*state.store.item_schema.names, *given]
                raise PipelineError(
                    f"stage {stage.name!r}",
                    received=f"no column {name!r} before it",
                    expected="a column of the item table or of an earlier stage",
                    remedy=near(name, known),
                )
        given |= set(stage.gives)


def check_table(stages: Sequence[Stage], state: State) -> Table:
    """What each stage needs and gives, and which inputs of its workflow nothing provides."""
    rows, given = [], set[str]()
    for stage in stages:
        given |= set(stage.gives)
        missing = _missing(stage, given, state)
        note = f"only with the request, else null: {', '.join(missing)}" if missing else ""
        rows.append((stage.name, ", ".join(stage.needs), ", ".join(stage.gives), note))
    return Table(("stage", "needs", "gives", "note"), rows)


def _missing(stage: Stage, given: set[str], state: State) -> list[str]:
    missing: list[str] = []
    for part in leaves(stage):
        flow = getattr(part, "flow", None)
        if flow is not None:
            wanted = state.raw.wanted(flow)
            others = [] if is_source(part) else [c.name for c in wanted.others if c.name not in given]
            fixed = getattr(part, "fixed", {})
            missing += [column.name for column in wanted.context if column.name not in fixed] + others
    return list(dict.fromkeys(missing))
