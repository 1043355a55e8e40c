"""Every exercise has one form: number, difficulty, then one answer with its text and its code."""

from __future__ import annotations

import re

import pytest

from tools.notebooks import ROOT, read, tags, toc_notebooks

LEVELS = ("easy", "medium", "hard")
_BOX = re.compile(r"^(`{3,})\{admonition\} ([^\n]*)\n:class: (\w+)\n(.*?)\n\1$", re.M | re.S)
_EXERCISE = re.compile(rf"Exercise (\d+) · ({'|'.join(LEVELS)}): \S.*")
CHAPTERS = [c for c in toc_notebooks(ROOT) if not c.startswith("book/reference/")]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_exercises_follow_the_one_form(chapter: str) -> None:
    cells = read(ROOT / f"{chapter}.ipynb").cells
    number = 0
    inside = False
    for cell in cells:
        if cell.cell_type == "code":
            if inside:
                assert {"hide-cell", "claims"} & set(tags(cell)), f"{cell.id}: not folded"
            continue
        boxes = [b for b in _BOX.findall(cell.source) if b[2] in {"exercise", "dropdown"}]
        if inside and re.search(r"^## ", cell.source, re.M):
            inside = False
        if not boxes:
            continue
        number, inside = number + 1, True
        assert [kind for *_, kind, _ in boxes] == ["exercise", "dropdown"], cell.id
        title = _EXERCISE.fullmatch(boxes[0][1])
        assert title, f"{cell.id}: {boxes[0][1]}"
        assert int(title[1]) == number, f"{cell.id}: the number must be {number}"
        assert boxes[1][1] == f"Answer to exercise {number}", cell.id
        assert boxes[1][3].strip(), f"{cell.id}: the answer has no text"
    assert number >= 3, "too few exercises"
