"""Look the target of each row up, and say what has none."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from layerwise.corpus.metadata import read_metadata
from layerwise.errors import shown
from layerwise.files.own_tables import read_parquet
from layerwise.spans import FRAME
from layerwise.targets.errors import LookUpError
from layerwise.targets.kinds import KINDS, Found
from layerwise.targets.tables import RowTable
from layerwise.targets.writing import write_missing, write_targets

log = logging.getLogger(__name__)

_NAMED = 10  # of what is missing, that a warning names


def look_up_targets(
    rows_table: Path,
    utterances: Path,
    out: Path,
    missing: Path,
    *,
    target: Mapping,
    rows: object,
    metadata: Sequence[Path] = (),
    file: Path | None = None,
    member: str | None = None,
) -> None:
    """Write the targets of the rows of a table, and what had none.

    Rows without a target are left out of the property, before folds are made (as layerwise-analysis does, Pasad et al.
    2023).

    Args:
        rows_table: the drawn rows: segments, or the utterances of which frames are.
        utterances: all utterances of the corpus.
        target: as the property has it: {label: …}, {vectors: …}, {attributes: …} or {columns: …}.
        rows: as the property has them.
        metadata: tables of speakers and utterances.
        file, member: where words are looked up.

    Raises:
        LookUpError: a file or a column cannot be used, or no row has a target.
    """
    table = RowTable(
        rows_table,
        read_parquet(rows_table, ("utterance_id",)),
        read_parquet(utterances, ("utterance_id", "speaker_id")),
        read_metadata(metadata),
        of_frames=rows == FRAME.name,
    )
    targets, lacking = found_targets(target, table, file, member)
    write_targets(out, targets)
    write_missing(missing, lacking)


def found_targets(target: Mapping, table: RowTable, file: Path | None = None, member: str | None = None) -> Found:
    """The targets of the rows of a table, and what has none; it is logged too.

    Raises:
        LookUpError: as `look_up_targets`.
    """
    kind = next((kind for key, kind in KINDS.items() if key in target), None)
    if kind is None:
        raise LookUpError(f"the target has the keys {', '.join(target)}; one of {', '.join(KINDS)} is expected")
    targets, lacking = kind.look_up(target, table, file, member)
    if len(targets.type) and targets.missing == len(targets.type):
        raise LookUpError(
            f"{kind.key}: none of the {len(targets.type)} rows of {table.path} has a target: missing are "
            f"{_most_frequent(lacking)}"
        )
    if targets.missing:
        log.warning(
            "%d of %d rows have no target and are left out: %s",
            targets.missing, len(targets.type), _most_frequent(lacking),
        )  # fmt: skip
    log.info("%d rows, %d types", len(targets.type) - targets.missing, len(targets.names))
    return targets, lacking


def _most_frequent(lacking: Counter[str]) -> str:
    listed = ", ".join(f"{shown(name)} {count}" for name, count in lacking.most_common(_NAMED))
    return listed + (f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else "")
