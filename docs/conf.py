from importlib.metadata import version as installed_version

project = "robustfit"
author = "the robustfit developers"
release = version = installed_version("robustfit")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
myst_enable_extensions = ["dollarmath"]
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
# The pages have no sections of their own to list, and the tables want the room.
html_sidebars = {"**": []}
html_static_path = ["_static"]
html_css_files = ["tables.css"]
exclude_patterns = ["_build"]


def _bars_are_absolute_values(app, what, name, obj, options, lines):
    """Keep docutils from reading |r| as a substitution: there are none here."""
    literal_below = None
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if literal_below is not None and line.strip() and indent <= literal_below:
            literal_below = None
        if literal_below is None and not line.lstrip().startswith((">>>", "...")):
            parts = line.split("``")
            parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
            lines[i] = "``".join(parts)
        if literal_below is None and line.rstrip().endswith("::"):
            literal_below = indent


def setup(app):
    # After numpydoc, whose own directives are in place by then.
    app.connect("autodoc-process-docstring", _bars_are_absolute_values, priority=900)
