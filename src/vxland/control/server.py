"""The daemon's side of its socket: one thread, which begins no other.

Where memory is short a thread can't be begun, or never says that it has (Thread.start waits for
that without end), and descriptors may be out as well. It then does what it can, and goes on.
"""

import contextlib
import os
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping

from vxland.control import NAME, Json
from vxland.control.caller import Caller
from vxland.process.faults import Faults
from vxland.process.lock import Unusable, folder, open_folder
from vxland.status.line import json_line

MOST_CLIENTS = 32  # at a time, of those that aren't trusted: descriptors are few
WAITING = 128  # who finds no place there isn't even told that there are too many
PAUSE = 0.05  # seconds where something is lacking that the next one needs, too
FULL = "too many are asking the daemon. Ask again, or as root"
NOT_NOW = "the daemon can't answer at the moment"
FOR_ALL = 0o111  # the umask that leaves a socket open to everybody

Reply = Callable[[Json], None]  # may be called later, by another thread
Answer = Callable[[Reply], None]


class Control:
    """Serves the socket. Who wants the same at the same time shares the answer.

    ``answers`` are by what is wanted; those of ``privileged`` only root and the daemon's own user
    may want. They are called in the thread of this, and mustn't wait.
    """

    def __init__(
        self, answers: Mapping[str, Answer], privileged: frozenset[str] = frozenset()
    ) -> None:
        self._answers = answers
        self._privileged = privileged
        self._faults = Faults("the control socket couldn't answer")
        self._callers: set[Caller] = set()
        self._answered: queue.SimpleQueue[tuple[Collection[Caller], Json]] = queue.SimpleQueue()
        self._stopping = False
        self._folder = open_folder()  # by which alone it is reached from here: see lock.py
        self._unlink()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._spare: int | None = os.dup(self._bell)
        self._socket = _listening(f"/proc/self/fd/{self._folder}/{NAME}")
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="vxland-control", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the socket away."""
        self._stopping = True
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        for caller in self._callers:
            caller.socket.close()
        self._selector.close()
        self._socket.close()
        self._unlink()
        os.close(self._bell)
        if self._spare is not None:
            os.close(self._spare)
        os.close(self._folder)

    def _unlink(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(NAME, dir_fd=self._folder)

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._serve()
            except (MemoryError, OSError):  # of the kernel's, too
                while self._callers:  # who knows what was lost: whoever still wants it asks again
                    self._leave(next(iter(self._callers)))
                time.sleep(PAUSE)

    def _serve(self) -> None:
        """Do what there is to do, once there is something."""
        wishes: dict[str, list[Caller]] = {}
        for key, _ in self._selector.select(self._patience()):
            if isinstance(key.data, Caller):
                self._attend(key.data, wishes)
            elif key.fd == self._bell:
                os.eventfd_read(self._bell)
            else:
                self._accept()
        while not self._answered.empty():
            self._tell(*self._answered.get())
        for wish, callers in wishes.items():
            self._answer(wish, callers)
        now = time.monotonic()
        for caller in [caller for caller in self._callers if caller.until <= now]:
            self._leave(caller)

    def _patience(self) -> float | None:
        if not self._callers:
            return None
        return max(0.0, min(caller.until for caller in self._callers) - time.monotonic())

    def _accept(self) -> None:
        """Take one in. Who there is no room for is told so."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            self._make_do(error)
            return
        caller = Caller(connection)
        strangers = sum(not known.trusted for known in self._callers)
        if caller.trusted or strangers < MOST_CLIENTS:
            self._callers.add(caller)
            self._selector.register(connection, selectors.EVENT_READ, caller)
            return
        self._send_away(caller, FULL)

    def _make_do(self, lack: OSError) -> None:
        """Without a descriptor for the next one, say so by the one that is kept for that."""
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None
        try:
            connection, _ = self._socket.accept()
            self._send_away(Caller(connection), f"{NOT_NOW}: {lack.strerror}")
            self._spare = os.dup(self._bell)
        except OSError:  # another thread was faster: it waits
            time.sleep(PAUSE)

    def _send_away(self, caller: Caller, reason: str) -> None:
        with contextlib.suppress(OSError):  # it has gone
            caller.tell(json_line({"error": reason}))
        caller.socket.close()

    def _attend(self, caller: Caller, wishes: dict[str, list[Caller]]) -> None:
        """It says something, takes something, or has gone."""
        try:
            if not caller.is_told:
                caller.go_on()
                if caller.is_told:
                    self._leave(caller)
                return
            if not caller.listen():
                return
            wish = caller.wish()
            self._selector.unregister(caller.socket)  # it needn't hear, to be told
            if (refusal := self._refusal(wish, trusted=caller.trusted)) is not None:
                self._tell([caller], {"error": refusal})
                return
            caller.wait()
            wishes.setdefault(str(wish), []).append(caller)
        except OSError:
            self._leave(caller)

    def _refusal(self, wish: object, *, trusted: bool) -> str | None:
        if not isinstance(wish, str) or wish not in self._answers:
            return "that request isn't understood"
        if wish in self._privileged and not trusted:
            return f"only root or the daemon's own user may ask for a {wish}"
        return None

    def _answer(self, wish: str, callers: Collection[Caller]) -> None:
        """Have the answer made. A fault is logged once: whoever asks could fill the journal."""
        try:
            self._answers[wish](lambda answer: self._reply(callers, answer))
        except Exception as error:  # noqa: BLE001 - whoever asks hears of it
            reason = str(error) or type(error).__name__
            self._tell(callers, {"error": f"{NOT_NOW}: {reason}"})
            if not isinstance(error, OSError):  # it says what the machine lacks
                self._faults.log(error)

    def _reply(self, callers: Collection[Caller], answer: Json) -> None:
        self._answered.put((callers, answer))
        os.eventfd_write(self._bell, 1)

    def _tell(self, callers: Collection[Caller], answer: Json) -> None:
        line = json_line(answer)
        for caller in self._callers.intersection(callers):  # some have gone
            try:
                caller.tell(line)
            except OSError:
                self._leave(caller)
                continue
            if caller.is_told:
                self._leave(caller)
            else:
                self._selector.register(caller.socket, selectors.EVENT_WRITE, caller)

    def _leave(self, caller: Caller) -> None:
        """Close a caller, who has been told all, has gone, or took too long."""
        self._callers.discard(caller)
        with contextlib.suppress(KeyError):  # while it waits, nothing of it is
            self._selector.unregister(caller.socket)
        caller.socket.close()


def at_once(make: Callable[[], Json]) -> Answer:
    """What is answered without waiting for anybody."""
    return lambda reply: reply(make())


def _listening(path: str) -> socket.socket:
    """Raises Unusable."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(FOR_ALL)  # with no moment in between, as chmod would have
    try:
        listening.bind(path)
    except OSError as error:
        listening.close()
        raise Unusable(folder() / NAME, error) from None
    finally:
        os.umask(umask)
    listening.listen(WAITING)
    listening.settimeout(0)
    return listening
