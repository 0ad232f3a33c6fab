"""How the documentation site is built: `uv run --group docs sphinx-build -W --keep-going -n docs docs/_build/html`."""

import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import links  # noqa: E402
import reference  # noqa: E402
from numpydoc.xref import DEFAULT_LINKS  # noqa: E402

import bayesgmm as bg  # noqa: E402

project, author = "bayesgmm", "The bayesgmm developers"
copyright = author  # noqa: A001  Sphinx's name for it
version = release = bg.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "notebooks/.ipynb_checkpoints"]
templates_path = ["_templates"]
default_role = None
suppress_warnings = ["config.cache"]  # numpydoc's aliases are a dict that no cache compares

html_theme = "furo"
html_title = f"bayesgmm {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False

# MathJax as one file that draws formulas as SVG: they show from disk and without a network, as fonts and other hosts would not.
mathjax_folder = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
html_static_path.append(str(mathjax_folder / "tex-svg.js"))
mathjax_path = "tex-svg.js"

myst_enable_extensions = ["deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

# The guide's code is run at each build, and an error ends it; notebooks, run by CI on their own, are shown as stored.
nb_execution_mode = "force"
nb_execution_excludepatterns = ["notebooks/*"]
nb_execution_in_temp = nb_execution_raise_on_error = True
nb_execution_timeout = 180
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # types stand in the docstrings
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {word: word for word in DEFAULT_LINKS} | reference.aliases()  # no pages of other projects
numpydoc_xref_ignore = "all"  # whatever is no name of this package
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

reference.write(HERE / "reference")


def spread(app, env, docnames):  # noqa: ARG001, D103
    # Documents are read in parallel in runs of this list: pages with code, which take seconds each, must not stand side by side.
    slow = [name for name in docnames if name.startswith(("guide/", "for_"))]
    quick = [name for name in docnames if name not in slow]
    step = len(quick) // max(1, len(slow)) + 1
    docnames[:] = [name for i in range(max(1, len(slow))) for name in (*slow[i : i + 1], *quick[i * step : (i + 1) * step])]


def setup(app):  # noqa: D103
    app.connect("autodoc-process-docstring", links.linked)
    app.connect("build-finished", links.check)
    app.connect("env-before-read-docs", spread)
