"""Asks for everything, piece by piece, and leaves out what must not leave the machine."""

import json
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path

from msgspec import Struct

from vxland.bugreport.answer import Answer, ask
from vxland.bugreport.censor import Censor, without_comments, without_environment
from vxland.bugreport.questions import QUESTIONS, Question, offloads
from vxland.config.source import Unusable, content_of, drop_ins, folder_of

LINE = 300  # letters of a complaint
MOST_DEVICES = 8  # of the underlay whose offloads are told
STATUS = "vxland/status.json"
CLEANED = {"service/unit.txt": without_environment}


class Piece(Struct, frozen=True):
    """A file of the report, what it is, and what was wrong with it; empty where nothing was."""

    file: str
    about: str
    text: str
    trouble: str = ""


def collect(config: Path, vxland: Sequence[str]) -> Iterator[Piece]:
    """Every piece, as it is had. ``vxland`` are the words that run this program."""
    written = list(_configuration(config))
    censor = Censor.of(piece.text for piece in written)
    for piece in written:
        yield Piece(piece.file, piece.about, censor.clean(piece.text), censor.clean(piece.trouble))
    status = ""
    for question in QUESTIONS:
        program, *words = question.command
        own = (*vxland, *words, "--config", str(config))
        answer = ask(own if program == "vxland" else question.command)
        if question.file == STATUS:
            status = answer.text
        yield _piece(question, answer, censor)
    for device in islice(_underlay(status), MOST_DEVICES):
        question = offloads(device)
        yield _piece(question, ask(question.command), censor)
    yield Piece("system/python.txt", "Python and its packages", _python())


def _piece(question: Question, answer: Answer, censor: Censor) -> Piece:
    text = censor.clean(CLEANED.get(question.file, str)(answer.text))
    if not question.file.endswith(".json"):
        text = f"$ {' '.join(question.command)}\n{text}"
    trouble = "" if answer.trouble in question.expected else answer.trouble
    said = [line.strip() for line in answer.text.splitlines() if line.strip(" {}[]")]  # JSON's end
    if trouble and said:
        trouble = f"{trouble}: {said[-1]}" if len(said[-1]) < LINE else trouble
    return Piece(question.file, question.about, text, censor.clean(trouble))


def _configuration(path: Path) -> Iterator[Piece]:
    """The files as they are, but for comments; what can't be read says why."""
    files = [path]
    try:
        files += drop_ins(folder_of(path))
    except Unusable as unusable:
        yield Piece("config/drop-ins.txt", "drop-ins", "", str(unusable.error))
    for number, file in enumerate(files):
        name = f"config/{path.name}.d/{file.name}" if number else f"config/{path.name}"
        about = f"{file}, without comments"
        try:
            text = without_comments(content_of(file).decode(errors="replace"))
        except Unusable as unusable:
            yield Piece(name, about, "", str(unusable.error))
        else:
            yield Piece(name, about, text)


def _underlay(status: str) -> Iterator[str]:
    """The devices that tunnels go by: those that have the tunnels' own addresses."""
    try:
        overlays = json.loads(status)["overlays"]
        own = {tunnel["local"] for overlay in overlays for tunnel in overlay["tunnels"]}
        links = json.loads(ask(("ip", "-j", "address", "show")).text)
    except (ValueError, KeyError, TypeError):  # an error's, or of a look that wasn't allowed
        return
    for link in links:
        if any(address.get("local") in own for address in link.get("addr_info", ())):
            yield link["ifname"]


def _python() -> str:
    packages = {(found.name.lower(), found.version) for found in metadata.distributions()}
    return "\n".join(
        (sys.version, *(f"{name} {version}" for name, version in sorted(packages)), "")
    )
