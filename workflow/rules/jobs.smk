# What a job asks for, and the code that it runs. Both workflows include it, before anything else.
#
# In:  the scripts of the rules, and the package of this checkout
# Out: values of `resources` and of `params: code=`
import functools
import os
import sys

# Planning and every job use the package of this checkout, whatever copy may be installed and whoever includes this file.
PACKAGE_PARENT = os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True))
sys.path.insert(0, PACKAGE_PARENT)

from layerwise.experiment.code_digests import code_digest, file_digest

code_digest = functools.cache(code_digest)  # for this process, whose modules are loaded


def code_of(script, modules=lambda wildcards: ()):
    """A digest of what a script imports: an edit repeats its jobs. Only jobs that are planned are asked for it.

    Args:
        modules: a function of wildcards: what the script imports by name for this job alone, such as a model's family.
    """
    return lambda wildcards: code_digest(script, tuple(modules(wildcards)))


def rising(megabytes, each_thread=0):
    """Memory of a job, once more as much at each attempt: a cluster ends a job that takes more than it asked for."""
    return lambda wildcards, threads, attempt: attempt * (megabytes + each_thread * threads)
