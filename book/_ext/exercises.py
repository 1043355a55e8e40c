"""Exercises: a numbered box with its difficulty, then one folded answer of text, code and outputs.

A notebook keeps them as Jupyter can show them: an admonition of class ``exercise`` with the title
"Exercise 3 · medium: what a bias removes", an admonition of class ``dropdown`` with the title
"Answer to exercise 3", and code cells. Here the second and the cells become one ``details``.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LEVELS = ("easy", "medium", "hard")
TITLE = re.compile(rf"Exercise (\d+) · ({'|'.join(LEVELS)}): (.*)", re.S)


class Answer(nodes.Element):
    """Everything that answers an exercise, folded."""


def visit_answer(translator: Any, node: Answer) -> None:
    """Begin the fold; its label is the title of the admonition."""
    translator.body.append(f'<details class="answer"><summary>{node["label"]}</summary>\n')


def depart_answer(translator: Any, node: Answer) -> None:
    """End the fold."""
    translator.body.append("</details>\n")


def split_title(title: nodes.Element) -> None:
    """Number, difficulty and name of an exercise become parts of their own."""
    found = TITLE.match(title[0].astext())
    if found is None:
        raise ValueError(f"not the title of an exercise: {title.astext()}")
    number, level, name = found.groups()
    title[0:1] = [
        nodes.inline("", f"Exercise {number}", classes=["exercise-number"]),
        nodes.inline("", f" · {level}", classes=["exercise-level", f"level-{level}"]),
        nodes.inline("", "", nodes.Text(name), *title[1:], classes=["exercise-name"]),
    ]
    del title[3:]


def gather(exercise: nodes.Element) -> None:
    """Move what follows an exercise, up to the next one, into its answer."""
    split_title(exercise[0])
    section = exercise.parent
    start = section.index(exercise) + 1
    end = start
    while end < len(section) and not (
        isinstance(section[end], nodes.section) or "exercise" in section[end].get("classes", [])
    ):
        end += 1
    parts = section[start:end]
    number = exercise[0][0].astext().split()[-1]
    answer = Answer(label=f"Answer to exercise {number}")
    del section[start:end]
    for part in parts:
        if isinstance(part, nodes.admonition) and "dropdown" in part["classes"]:
            answer.extend(part[1:])
            continue
        if isinstance(part, nodes.container) and "tag_claims" not in part["classes"]:
            part["hide_mode"] = None
        answer.append(part)
    if parts:
        section.insert(start, answer)


def gather_all(app: Sphinx, doctree: nodes.document) -> None:
    """Give every exercise of a page its answer."""
    for box in list(doctree.findall(nodes.admonition)):
        if "exercise" in box["classes"]:
            gather(box)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_node(Answer, html=(visit_answer, depart_answer))
    app.add_css_file("exercises.css")
    app.connect("doctree-read", gather_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
