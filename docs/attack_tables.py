"""Bring the tables of attacks.md up to date with `robustfit.attacks.catalog`: python docs/attack_tables.py"""

from pathlib import Path

from robustfit.attacks import catalog

PAGE = Path(__file__).with_name("attacks.md")
BEGIN, END = "<!-- catalogue: begin -->\n\n", "\n<!-- catalogue: end -->"


def updated(page):
    """The page with the catalogue as it is now."""
    if page.count(BEGIN) != 1 or page.count(END) != 1:
        raise ValueError(f"The page must hold {BEGIN.strip()!r} and {END.strip()!r} once.")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{catalog().to_markdown()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
