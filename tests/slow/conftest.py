"""In long tests scripts start as they do for a user, kills and environments included."""

import pytest

import warm_snakemake


@pytest.fixture(autouse=True, scope="session")
def _scripts_start_as_for_a_user():
    warm_snakemake.scripts_may_be_forks = False
    yield
    warm_snakemake.scripts_may_be_forks = True
