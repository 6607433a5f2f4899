"""A name server that does as each name says, however wrong that is."""

import socket
import threading
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.lab.worker import Worker

Reply = Callable[[dns.message.Message], bytes | None]
A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA


def _answer(query: dns.message.Message, *records: tuple[str, int, str, str]) -> bytes:
    reply = dns.message.make_response(query)
    reply.answer = [dns.rrset.from_text(n, ttl, "IN", kind, data) for n, ttl, kind, data in records]
    return reply.to_wire()


def _kind(query: dns.message.Message) -> dns.rdatatype.RdataType:
    return query.question[0].rdtype


def _code(code: dns.rcode.Rcode) -> Reply:
    def reply(query: dns.message.Message) -> bytes:
        answer = dns.message.make_response(query)
        answer.set_rcode(code)
        return answer.to_wire()

    return reply


def four(query: dns.message.Message) -> bytes:
    """An IPv4 address, and no other."""
    name = query.question[0].name.to_text()
    return _answer(query, (name, 60, "A", "192.0.2.4")) if _kind(query) == A else _answer(query)


def _alias(query: dns.message.Message) -> bytes:
    """The alias counts for seven seconds, and what it stands for for an hour."""
    alias = ("alias.mesh.test.", 7, "CNAME", "four.mesh.test.")
    if _kind(query) == A:
        return _answer(query, alias, ("four.mesh.test.", 3600, "A", "192.0.2.4"))
    return _answer(query, alias)


SAYS: dict[str, Reply] = {
    "four": four,
    "alias": _alias,
    "servfail": _code(dns.rcode.SERVFAIL),
    "refused": _code(dns.rcode.REFUSED),
    "nix": _code(dns.rcode.NXDOMAIN),
    "garbage": lambda _query: b"\xff" * 40,
    "half": lambda query: four(query) if _kind(query) == A else None,
    "broken": lambda query: four(query) if _kind(query) == A else _code(dns.rcode.SERVFAIL)(query),
    "own": lambda query: _answer(query, ("own.mesh.test.", 60, "A", "127.0.1.1")),
}


class Scripted(Worker):
    """Answers on UDP, in the namespace of the thread that makes it. To most names it says four."""

    def __init__(self, delay: float = 0.0) -> None:
        self.most = 0  # questions that waited at the same time
        self.asked: list[str] = []
        self._delay = delay
        self._waiting = 0
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._socket.settimeout(0.05)
        self._timers: list[threading.Timer] = []
        super().__init__()

    def _close(self) -> None:
        for timer in self._timers:
            timer.join()
        self._socket.close()

    def _work(self) -> None:
        while not self.ended.is_set():
            try:
                data, sender = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            query = dns.message.from_wire(data)
            with self._lock:
                self.asked.append(query.question[0].name.to_text())
                self._waiting += 1
                self.most = max(self.most, self._waiting)
            timer = threading.Timer(self._delay, self._reply, (query, sender))
            self._timers.append(timer)
            timer.start()

    def _reply(self, query: dns.message.Message, sender: tuple[str, int]) -> None:
        with self._lock:
            self._waiting -= 1
        reply = SAYS.get(query.question[0].name.labels[0].decode(), four)(query)
        if reply is not None:
            self._socket.sendto(reply, sender)
