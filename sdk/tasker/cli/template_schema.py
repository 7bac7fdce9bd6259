"""`tasker template schema`: the JSON Schema of the template format, for editors."""

from importlib.resources import files

from tasker.cli.output import write_lines
from tasker.cli.pictures import Target, save

EPILOG = """Examples:

tasker template schema --to template.schema.json

And then as the first line of a template: # yaml-language-server: $schema=template.schema.json"""


def schema(to: Target = None) -> None:
    """Print the JSON Schema of templates in YAML: editors complete and check by it. Needs no network."""
    text = (files("tasker") / "schema" / "template.json").read_text("utf-8")
    if to is None:
        write_lines([text.rstrip("\n")])
    else:
        save(text, to)
