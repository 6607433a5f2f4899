"""What needn't be thought about again: a pure function's last answer.

A turn that finds everything as it was asks what the turn before asked. What is read anew only where
it changed (``kernel.links``) is the same object then, so that to compare costs next to nothing.
"""

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

Question = ParamSpec("Question")
AnswerT = TypeVar("AnswerT")


class Last(Generic[Question, AnswerT]):
    """A function without side effects that remembers its last answer."""

    def __init__(self, function: Callable[Question, AnswerT]) -> None:
        self._function = function
        self._known: tuple[object, AnswerT] | None = None

    def __call__(self, *args: Question.args, **kwargs: Question.kwargs) -> AnswerT:
        """The answer. What the function raises is no answer, and isn't remembered."""
        question = (args, kwargs)
        if self._known is None or self._known[0] != question:
            self._known = (question, self._function(*args, **kwargs))
        return self._known[1]
