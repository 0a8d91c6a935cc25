"""What a process holds, so that a fuzz can say whether something grew that should not."""

import gc
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

BLOCKS = 20_000
"""Small objects that may be there more at the end than in the middle, caches that fill included."""
MEGABYTES = 96
"""As much more of memory: an allocator gives back late what large payloads took."""


@dataclass(frozen=True, slots=True)
class Held:
    """Small objects (as Python's allocator counts them), megabytes, and keys without expiry of the doors' store."""

    blocks: int
    megabytes: int
    keys: int = 0

    @classmethod
    def now(cls, keys: int = 0) -> Self:
        """What is held at this moment, rubbish taken out."""
        gc.collect()
        return cls(sys.getallocatedblocks(), _megabytes(), keys)

    def grown(self, before: "Held", *, keys: int) -> str:
        """What grew since *before*, in words; empty where nothing did. *keys*: how many more there may be."""
        found = []
        if self.blocks - before.blocks > BLOCKS:
            found.append(f"{self.blocks - before.blocks:,} objects more than in the middle")
        if self.megabytes - before.megabytes > MEGABYTES:
            found.append(f"{self.megabytes - before.megabytes:,} MB more than in the middle")
        if self.keys - before.keys > keys:
            found.append(f"{self.keys - before.keys:,} keys in Redis more than in the middle")
        return ", ".join(found)


def _megabytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # not Linux: the most it ever was
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_048_576
