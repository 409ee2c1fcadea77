"""Which packages and files a wheel has: pyproject.toml, which says the rest, knows no folders beside the package."""

from setuptools import find_packages, setup

# `layerwise.files.shipped` finds them in a wheel as in a checkout. The demo (25 MB) stays in the checkout.
SHIPPED = {
    "layerwise.shipped.resources": "resources",
    "layerwise.shipped.workflow.report": "workflow/report",
    "layerwise.shipped.workflow.schemas": "workflow/schemas",
}

setup(
    packages=[*find_packages("workflow", include=["layerwise*"]), *SHIPPED],
    package_dir={"": "workflow", **SHIPPED},
    package_data={name: ["*.yaml", "experiments/*.yaml", "*.rst", "*.j2", "*.css", "*.js"] for name in SHIPPED},
)
