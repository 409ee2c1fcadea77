# What a job asks for.


def rising(megabytes, each_thread=0):
    """Memory of a job, once more as much at each attempt: a cluster ends a job that takes more than it asked for."""
    return lambda wildcards, threads, attempt: attempt * (megabytes + each_thread * threads)
