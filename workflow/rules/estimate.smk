# What the experiment will fetch, fill and take. It needs nothing of it, and no network.


rule estimate:
    message:
        "Estimate what this experiment takes"
    log:
        log_of("estimate"),
    localrule: True
    run:
        print_estimate(log[0])
