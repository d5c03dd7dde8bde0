"""The catalogue as Markdown: one table for each kind, and lists of what the tables refer to."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterable, Sequence
from string import ascii_lowercase

from robustfit.attacks._catalog._entry import KINDS, AttackEntry
from robustfit.attacks._catalog._taxonomies import TAXONOMIES

_COLUMNS = (
    "attack",
    "what it does",
    "one unit buys",
    "task",
    "must know",
    "made for",
    "filed under",
    "answers",
    "from",
)


def markdown(entries: Sequence[AttackEntry]) -> str:
    """Return the entries as Markdown text.

    Parameters
    ----------
    entries : sequence of AttackEntry

    Returns
    -------
    text : str
        Ends with a line break. Answers are letters, and references numbers, of the lists below the tables.
    """
    answers = list(dict.fromkeys(answer for entry in entries for answer in entry.answers))
    references = list(dict.fromkeys(reference for entry in entries for reference in entry.references))
    letters = dict(zip(answers, ascii_lowercase, strict=False))
    numbers = {reference: str(number) for number, reference in enumerate(references, start=1)}
    lines: list[str] = []
    for kind, words in KINDS.items():
        rows = [
            [
                f"`{entry.name}`",
                entry.summary,
                entry.unit,
                _tasks(entry),
                ", ".join(entry.knows),
                entry.made_for,
                ", ".join((*entry.atlas, *entry.owasp, *entry.nist)),
                ", ".join(letters[answer] for answer in entry.answers),
                ", ".join(f"[{numbers[reference]}]" for reference in entry.references),
            ]
            for entry in entries
            if entry.kind == kind
        ]
        if rows:
            lines += [f"### {kind.capitalize()}", "", f"Such an attack {words}.", "", *_table(_COLUMNS, rows), ""]
    lines += ["### Answers", ""]
    lines += [f"- **{letters[answer]}** `{answer.defence}`. {answer.how}" for answer in answers]
    lines += ["", "### Identifiers", ""]
    for field, taxonomy in TAXONOMIES.items():
        used = {identifier for entry in entries for identifier in getattr(entry, field)}
        titles = [f"{name} {title}" for name, title in taxonomy.titles.items() if name in used]
        if titles:
            lines.append(f"- {taxonomy.name}: {'; '.join(titles)}.")
    lines += ["", "### References", ""]
    lines += [f"{number}. {reference}" for reference, number in numbers.items()]
    return "\n".join(lines) + "\n"


def _tasks(entry: AttackEntry) -> str:
    return ", ".join(
        f"{task}, two classes" if task == "classification" and entry.two_classes else task for task in entry.tasks
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells]
