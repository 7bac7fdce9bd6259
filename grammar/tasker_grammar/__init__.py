"""The action grammar: what steps may be made of without a handler, and the proof that they fit. Pure but for `catalog`.

`contracts` says whether a value satisfies a JSON Schema, and whether all that one schema allows satisfies another.
`types` and `expressions` infer what an expression gives. `primitives` has the kinds of steps; `composition` and
`resources` are what is written down of them and of the outside; `world` is what running needs. Nothing is fetched, and
nothing but the catalog's own files is read.
"""
