"""What needn't be thought about again: a pure function's last answer.

A turn that finds everything as it was asks what the turn before asked. What is read anew only where
it changed (``kernel.links``) is the same object then, so that to compare costs next to nothing. Of
a question that is the same, the one that was asked last is kept: what it is about is in use.
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
            answer = self._function(*args, **kwargs)
        else:
            answer = self._known[1]
        self._known = (question, answer)
        return answer

    def forget(self) -> None:
        """The last answer: the question may be large."""
        self._known = None
