"""Code from templates: types, handlers, tests, clients and whole projects, in Python, Ruby and TypeScript.

`bundle` and `plan` read a template into what every language is written from, and a subpackage for each language
writes it. `generators` says which files there are, `files` what of them is to be put on the disk. Nothing heavy is
imported before it is used.
"""
