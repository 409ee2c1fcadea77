"""All charts of an experiment as a page holds them: what several of them have in common stands there once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from layerwise.figures.rendering import Charts, read_charts
from layerwise.tables.files import AnyPath


@dataclass
class ChartPool:
    """Charts and their data, by column: charts of one question differ in the columns of their metric alone.

    Attributes:
        charts: what is said `about` each figure and subject, its title and words, and the specification by metric.
        data: name of a data set → column → its number in `columns`.
        columns: values, one a row.
    """

    charts: list[dict] = field(default_factory=list)
    data: dict[str, dict[str, int]] = field(default_factory=dict)
    columns: list[list] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def add(self, charts: Charts, titles: Mapping[str, str]) -> None:
        """Add the charts of a figure and subject.

        Args:
            titles: what to call subjects; by their names, where they have no title.
        """
        about = charts.about
        title = titles.get(about["subject"], about["subject"])
        told = {name: about[name] for name in ("figure", "of", "subject", "caption", "view", "axis")}
        told |= {"title": title, "alt": about["alt"].replace("{}", title)}
        self.charts.append(told | {"charts": charts.charts})
        for name, rows in charts.data.items():
            names = dict.fromkeys(column for row in rows for column in row)
            self.data[name] = {column: self._column([row.get(column) for row in rows]) for column in names}

    def _column(self, values: list) -> int:
        key = json.dumps(values)
        if key not in self._numbers:
            self._numbers[key] = len(self.columns)
            self.columns.append(values)
        return self._numbers[key]


def pooled(paths: Iterable[AnyPath], titles: Mapping[str, str]) -> ChartPool:
    """The charts of these files, in their order."""
    pool = ChartPool()
    for path in paths:
        pool.add(read_charts(path), titles)
    return pool
