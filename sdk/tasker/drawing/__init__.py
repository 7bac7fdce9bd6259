"""Pictures of templates and of tasks: one graph, and writers that put it into Mermaid, Graphviz, SVG or a tree. Pure.

`graph` has the model; `templates` and `tasks` make one. `layering`, `ordering` and `placing` are the steps of a layered
layout (Sugiyama's), which `layout` puts together. The writers, `svg`, `mermaid`, `dot` and `tree`, know nothing of what
the graph is of.

The layout is our own: grandalf is not kept any more, fast-sugiyama gives another picture each time and ends the process
for an edge from a node to itself, and Graphviz is a program that is not there everywhere.
"""
