# Properties over the layers.
#
# In:  results/<experiment>/tables/trends.csv
# Out: results/<experiment>/plots/{<property>_{depth,layer,heatmap},overview}.{svg,png}


rule plot_trends:
    message:
        "Plot {wildcards.property} over {wildcards.axis}"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        svg=report(
            results("plots/{property}_{axis}.svg"),
            caption="../report/trends.rst",
            category="{property}",
        ),
        png=results("plots/{property}_{axis}.png"),
    wildcard_constraints:
        axis="depth|layer",
    params:
        metric=config["metric"],
        titles=TITLES,
        groups=GROUPS,
        about=ABOUT,
        code=code_of("plot_trends"),
    log:
        log_of("plot_trends/{property}_{axis}"),
    benchmark:
        benchmark_of("plot_trends/{property}_{axis}")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_trends.py"


rule plot_heatmap:
    message:
        "Plot {wildcards.property} as layers by models"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        svg=report(
            results("plots/{property}_heatmap.svg"),
            caption="../report/heatmap.rst",
            category="{property}",
        ),
        png=results("plots/{property}_heatmap.png"),
    params:
        metric=config["metric"],
        titles=TITLES,
        code=code_of("plot_heatmap"),
    log:
        log_of("plot_heatmap/{property}"),
    benchmark:
        benchmark_of("plot_heatmap/{property}")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_heatmap.py"


rule plot_overview:
    message:
        "Plot all properties side by side"
    input:
        trends=rules.summarise_trends.output.trends,
    output:
        svg=report(
            results("plots/overview.svg"),
            caption="../report/overview.rst",
            category="overview",
        ),
        png=results("plots/overview.png"),
    params:
        properties=config["properties"],
        metric=config["metric"],
        titles=TITLES,
        groups=GROUPS,
        about=ABOUT,
        code=code_of("plot_overview"),
    log:
        log_of("plot_overview"),
    benchmark:
        benchmark_of("plot_overview")
    conda:
        "../../envs/summary.yaml"
    resources:
        mem_mb=rising(1000),
    script:
        "../scripts/plot_overview.py"


PLOTS = {
    name: expand(
        results("plots/{property}_{kind}.svg"),
        property=name,
        kind=["depth", "layer", "heatmap"],
    )
    for name in config["properties"]
}
