"""What holds something open, and closes it at the end of a with statement."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Closes itself when it is left."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close what is open."""
