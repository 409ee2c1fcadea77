# What the experiment will fetch, fill and take. It needs nothing of it, and no network.
#
# In:  the configuration, the catalogues, and what is here already
# Out: a page on the terminal, and in results/<experiment>/logs/estimate.log
#
# The page: layerwise/experiment/costs_page.py


rule estimate:
    message:
        "Estimate what this experiment takes"
    log:
        log_of("estimate"),
    localrule: True
    run:
        print_estimate(log[0])
