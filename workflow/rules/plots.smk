# Figures: a rule for each entry of layerwise/figures/registry.py.
#
# In:  results/<experiment>/tables/*.csv
# Out: results/<experiment>/plots/*.{svg,png}
from layerwise.figures import registry
from layerwise.figures.questions import sentence
from layerwise.figures.registry import FIGURES

# Of what there are pictures: names of properties or tasks; "" where there is one picture for all.
SUBJECTS = {
    registry.EXPERIMENT: [""] if CURVES else [],
    registry.PROPERTY: list(CURVES),
    registry.MATRIX: list(MATRICES),
    registry.TASK: COMPARED,
    registry.LABELS: list(LABELLED),
    registry.TASKS: [""] if COMPARED else [],
}
CHOICES = {
    "metric": config["metric"],
    "properties": CURVES,
    "names": list(CURVES),
    "questions": QUESTIONS,
    "models": list(MODELS),
    "titles": TITLES,
    "groups": GROUPS,
}


for figure in FIGURES.values():

    rule plot_figure:
        name:
            f"plot_{figure.name}"
        message:
            "Plot: {params.alt}"
        input:
            **{table: results(f"tables/{table}.csv") for table in figure.tables},
        output:
            svg=report(
                results(f"plots/{figure.stem_of(figure.of.pattern)}.svg"),
                caption=f"../report/{figure.caption}.rst",
                category=figure.of.category,
            ),
            png=results(f"plots/{figure.stem_of(figure.of.pattern)}.png"),
        wildcard_constraints:
            **(
                {figure.of.wildcard: "|".join(map(re.escape, SUBJECTS[figure.of])) or "(?!)"}
                if figure.of.wildcard
                else {}
            ),
        params:
            draw=figure.draw,
            arguments=lambda wildcards, figure=figure: figure.arguments(CHOICES, *wildcards),
            alt=lambda wildcards, figure=figure: figure.alt_of(*wildcards),
            asked=lambda wildcards, figure=figure: (
                sentence(PROPERTIES[wildcards.property], config["cca"]["folds_by"]) if figure.of.is_question else ""
            ),
            about=lambda wildcards, figure=figure: (
                ABOUT_OF.get(wildcards.get("property"), ABOUT) if figure.has_intervals else ""
            ),
            code=code_of("plot_figure", lambda wildcards, figure=figure: [figure.module]),
        log:
            log_of(f"plot_{figure.name}/{figure.of.pattern}".rstrip("/")),
        benchmark:
            benchmark_of(f"plot_{figure.name}/{figure.of.pattern}".rstrip("/"))
        conda:
            "../../envs/summary.yaml"
        resources:
            mem_mb=rising(1000),
        script:
            "../scripts/plot_figure.py"


# Figure → subject → the name of its pictures.
STEMS = {
    figure.name: {subject: figure.stem_of(subject) for subject in SUBJECTS[figure.of]} for figure in FIGURES.values()
}
PICTURES = [results(f"plots/{stem}.svg") for stems in STEMS.values() for stem in stems.values()]
