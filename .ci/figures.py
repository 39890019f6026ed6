"""Collects the lines of JSON that benchmarks print (standard input) and shows them as a table.

    figures.py FILE NAME…    keeps them in FILE; fails if one of the named figures is missing or no figure
"""

import json
import sys

FIELDS = ("figure", "value", "unit")


def main():
    file, *wanted = sys.argv[1:]
    figures = {}
    for line in sys.stdin:
        try:
            figure = json.loads(line)
        except ValueError:
            continue
        if isinstance(figure, dict) and "figure" in figure:
            missing = [field for field in FIELDS if field not in figure]
            if missing or not isinstance(figure["value"], (int, float)):
                sys.exit(f"no figure: {line.strip()}")
            figures[figure["figure"]] = figure
    for name in wanted:
        if name not in figures:
            sys.exit(f"no benchmark printed the figure '{name}'")
    with open(file, "a", encoding="utf-8") as kept:
        for name, figure in sorted(figures.items()):
            kept.write(json.dumps(figure) + "\n")
            print(f"{name:24} {figure['value']:>12.4g} {figure['unit']:8} against {figure.get('baseline', '-')}")


main()
