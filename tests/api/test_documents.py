#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents: every link of every page leads to something that is there, headings included, and
every file that a page names in code quotes exists.

usage: test_documents.py SOURCE_ROOT
"""

import pathlib
import re
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
# Paths in code quotes below one of our folders: `tests/api/`, `scripts/test`.
NAMED = re.compile(r"`((?:scripts|docs|examples|tests|fuzz|bench|src|cli|include)/[\w./+-]*)`")


def anchor(heading):
    """How a heading is linked to: lower case, punctuation dropped, blanks to hyphens."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def check_page(root, page):
    text = page.read_text(encoding="utf-8")
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists():
            yield f"links to '{target}', which is not there"
        elif fragment and goal.suffix == ".md" and fragment not in {
                anchor(h) for h in HEADING.findall(goal.read_text(encoding="utf-8"))}:
            yield f"links to '{target}', which has no such heading"
    for name in NAMED.findall(text):
        if not (root / name).exists():
            yield f"names `{name}`, which is not there"


def main():
    root = pathlib.Path(sys.argv[1])
    pages = sorted(list(root.glob("*.md")) + list((root / "docs").rglob("*.md")))
    problems = [f"{page.relative_to(root)}: {what}"
                for page in pages for what in check_page(root, page)]
    for problem in problems:
        print(problem)
    print(f"{len(pages)} pages, {len(problems)} problems")
    return 1 if problems or len(pages) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
