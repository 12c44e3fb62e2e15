"""The README and the guide do what they say."""

import asyncio
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from shortlist.cli import main
from shortlist.server import app
from shortlist.testing._texts import tiny_text_model

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [page for page in sorted((ROOT / "docs" / "guide").glob("*.md")) if "```python" in page.read_text()]


def commands(*names: str) -> list[list[str]]:
    """The command lines of the README that begin with these words."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words for words in lines if tuple(words[: len(names)]) == names]


def run_page(page: Path, folder: Path) -> None:
    """Run the page's Python in the folder, each line at its number: a traceback points to the page."""
    inside, kept = False, []
    for line in page.read_text(encoding="utf-8").splitlines():
        inside = line == "```python" if line.startswith("```") else inside
        kept.append(line if inside and not line.startswith("```") else "")
    file = folder / f"{page.stem}.py"
    file.write_text("\n".join(kept), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runpy.run_path(str(file))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the repository's data, in which the README's program has run."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "data").symlink_to(ROOT / "data")
    run_page(ROOT / "README.md", folder)
    return folder


@pytest.fixture
def inside(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(clone)
    return clone


@pytest.mark.parametrize("words", commands("shortlist"), ids=lambda words: words[1])
def test_commands_of_the_readme_and_their_options_exist(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([words[1], "--help"])
    shown = capsys.readouterr().out
    assert left.value.code == 0
    assert [word for word in words if word.startswith("--") and word not in shown] == []


@pytest.mark.parametrize("words", commands("make"), ids=lambda words: words[1])
def test_targets_of_the_readme_exist(words: list[str]) -> None:
    assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("command", ["inspect", "recommend"])
def test_commands_of_the_readme_answer_on_its_bundle(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (words,) = commands("shortlist", command)
    assert main(words[1:]) == 0
    assert "Description" in capsys.readouterr().out


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("words", commands("curl"), ids=lambda words: words[-1])
def test_requests_of_the_readme_are_answered(words: list[str]) -> None:
    _, address, flag, body = words
    assert flag == "-d"
    answer = asyncio.run(answered(app("my-bundle"), "/" + address.partition("/")[2], body))
    assert answer.status_code == 200, answer.text
    found: Any = answer.json()
    assert found == {"kept": 1, "known_items": 1} or all(one["items"] for one in found["results"])


async def answered(application: Starlette, path: str, body: str) -> httpx.Response:
    """The answer to what curl would post."""
    transport = httpx.ASGITransport(application)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://server") as http,
    ):
        while (await http.get("/health/ready")).status_code != 200:
            await asyncio.sleep(0.01)
        return await http.post(path, content=body, headers=form)


def test_links_of_the_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert [link for page in pages for link in links(page) if not (page.parent / link).exists()] == []


def links(page: Path) -> Iterator[str]:
    """Targets of a page's links within the repository."""
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_of_the_guide_runs(page: Path, tmp_path: Path) -> None:
    tiny_text_model(tmp_path / "models" / "all-MiniLM-L6-v2")  # in place of the one that a page names
    run_page(page, tmp_path)


def test_every_op_has_its_line_in_the_guide() -> None:
    from shortlist.features import ops

    text = (ROOT / "docs" / "guide" / "features.md").read_text(encoding="utf-8")
    kinds = (getattr(ops, name) for name in ops.__all__)
    made = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, ops.Op | ops.Source)]
    concrete = [kind.__name__ for kind in made if kind not in {ops.Op, ops.Source}]
    assert len(concrete) >= 11
    assert [name for name in concrete if f"| `{name}` |" not in text] == []


def test_the_reference_is_current() -> None:
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert written == runpy.run_path(str(ROOT / "scripts" / "reference"))["page"](), "run scripts/reference"
