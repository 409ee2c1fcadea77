"""A page that is one file: its scripts, styles and data stand in it, and a policy forbids it to fetch anything.

Vega and Vega-Lite come from vl-convert's bundle, whose expressions are interpreted, as the policy allows no `eval`.
DataTables comes from the files of itables, which is not imported.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import json
import re
from collections.abc import Mapping

import jinja2
import vl_convert

from layerwise.files.shipped import ROOT

FOLDER = ROOT / "workflow/report"
TEMPLATE = "report.html.j2"
STYLE = "report.css"
SCRIPTS = ("state.js", "charts.js", "tables.js", "controls.js", "report.js")  # in the order in which they run

_EXPORTED = re.compile(r"export\s*\{([^}]*)\}\s*;?\s*")


def rendered(data: Mapping, **named: object) -> str:
    """The page: the template with what is named, and with data that its scripts read."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    scripts = [vega_script(), tables_script(), f'(() => {{"use strict";\n{own}\n}})();']
    styles = [_bundled("dt_bundle.css"), (FOLDER / STYLE).read_text(encoding="utf-8")]
    return environment.get_template(TEMPLATE).render(
        policy=policy(scripts), scripts=scripts, styles=styles, data=json_in_page(data), **named
    )


def policy(scripts: list[str]) -> str:
    """The content security policy: nothing is fetched, and no script runs but these."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def json_in_page(data: object) -> str:
    """Data as JSON that may stand in a `script` element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@functools.cache
def vega_script() -> str:
    """Vega, Vega-Lite and vega-embed, which set `vegaEmbed`; it takes seconds to put together."""
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub wants what it can do without
    return _inline(f"(() => {{\n{bundle}\n}})();")


@functools.cache
def tables_script() -> str:
    """DataTables with its buttons, as `DataTable`: the module of itables as a plain script."""
    module = _bundled("dt_bundle.js")
    (exported,) = _EXPORTED.findall(module)
    names = dict(reversed(part.split(" as ")) for part in exported.split(",") if " as " in part)
    code = _EXPORTED.sub("", module)
    return _inline(f'const DataTable = (() => {{"use strict";\n{code}\nreturn {names["default"].strip()};}})();')


def _bundled(name: str) -> str:
    folder = importlib.resources.files("itables") / "html"
    return _inline((folder / name).read_text(encoding="utf-8"))


def _inline(code: str) -> str:
    """Code that may stand in an element of a page; in strings and comments, `<\\/` is the same as `</`."""
    code = re.sub(r"</(?=script|style)", r"<\\/", code.replace("\r\n", "\n"), flags=re.IGNORECASE)
    return code.replace("<!--", "<\\!--")
