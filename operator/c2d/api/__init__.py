"""The language of the product: resources, phases, reasons, the volume, plans and reports.

Frozen types only; no I/O and no clock. Every other package may import this one, it imports none of them.
"""
