"""The grammar's ground: contracts, JSON Schemas that values and other schemas are held to.

`contracts` answers two questions: what is wrong with this value, and does whatever this schema
allows also satisfy that one? `misfit` says where a schema does not. Everything here is pure:
nothing is read or fetched, neither on import nor later.
"""
