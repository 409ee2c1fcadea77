"""Tables of segments: each is read once, whatever asks for it, and a wrong one ends the run before any job."""

from __future__ import annotations

import pytest

PROPERTY = "{name}: {{rows: {{segments: {table}}}, target: {{label: {label}}}}}"


@pytest.fixture
def asking(tmp_path):
    """Writes a configuration with questions about tables, each (path below the test's folder, label)."""
    for folder in ("", "other"):
        path = tmp_path / folder / "vowels.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("utterance_id,start,end,height\n9001-90011-0000,0.1,0.3,high\n")

    def write(*questions: tuple[str, str]) -> str:
        entries = [
            PROPERTY.format(name=f"own-{number}", table=tmp_path / table, label=label)
            for number, (table, label) in enumerate(questions)
        ]
        names = ", ".join(f"own-{number}" for number in range(len(questions)))
        path = tmp_path / "asking.yaml"
        path.write_text(
            f"models: [random-wav2vec2-tiny, random-demo]\nsamples: {{count: 2}}\nproperties: [{names}]\n"
            f"extra_properties: {{{', '.join(entries)}}}\n"
        )
        return str(path)

    return write


def test_a_table_is_read_once_for_all_models_samples_and_questions(checkout, asking):
    plan = checkout.plan("scores", configfile=asking(("vowels.csv", "height"), ("vowels.csv", "speaker_id")))
    assert plan.jobs["read_segments"] == 1
    assert "Read the segments of vowels" in plan.output
    assert plan.jobs["extract_rows"] == 2


def test_tables_of_one_name_are_two(checkout, asking):
    plan = checkout.plan("scores", configfile=asking(("vowels.csv", "height"), ("other/vowels.csv", "height")))
    assert plan.jobs["read_segments"] == 2


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (("nowhere.csv", "x"), ["extra_properties.own-0.rows.segments:", "nowhere.csv does not exist"]),
        (("vowels.csv", "hight"), ["extra_properties.own-0.target.label:", "did you mean height?"]),
        (("vowels.csv", "gendr"), ["extra_properties.own-0.target.label:", "did you mean gender?"]),
    ],
)
def test_what_is_not_there_is_refused_by_name(checkout, asking, question, words):
    run = checkout.snakemake("-n", configfile=asking(question))
    assert run.returncode != 0
    for word in words:
        assert word in run.output
    assert "Traceback" not in run.output
