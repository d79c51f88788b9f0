"""What an agreement check says."""

from dataclasses import dataclass


@dataclass
class Finding:
    """What was compared, and a line for each thing that is wrong."""

    what: str
    faults: list
