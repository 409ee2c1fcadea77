# What a job asks for.

# A score job with a jackknife holds the moments of 20 groups of speakers, and not of seven folds alone.
SCORE_MB = 4000 if config["cca"]["intervals"] == "speakers" else 2000


def rising(megabytes, each_thread=0):
    """Memory of a job, once more as much at each attempt: a cluster ends a job that takes more than it asked for."""
    return lambda wildcards, threads, attempt: attempt * (megabytes + each_thread * threads)
