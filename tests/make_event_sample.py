#!/usr/bin/env python3
"""Builds samples/evtx/system.evtx: a log of one chunk with three events, the same bytes each time.

The events are written as BinXML without templates (MS-EVEN6 2.2.12 and 2.2.17): elements, attributes and UTF-16 texts.
"""

import struct
import zlib
from pathlib import Path

CHUNK = 65536
RECORDS = 512


def name_hash(text):
    value = 0
    for character in text:
        value = (value * 65599 + ord(character)) & 0xFFFFFFFF
    return value & 0xFFFF


class Writer:
    """BinXML at a place in a chunk: names stand where they are used first, and are pointed at afterwards."""

    def __init__(self, at, names):
        self.at, self.names, self.bytes = at, names, b""

    def name(self, text):
        place = self.at + len(self.bytes) + 4
        if text in self.names:
            self.bytes += struct.pack("<I", self.names[text])
            return
        self.names[text] = place
        units = text.encode("utf-16-le")
        self.bytes += struct.pack("<IIHH", place, 0, name_hash(text), len(text)) + units + b"\0\0"

    def text(self, text):
        self.bytes += b"\x05\x01" + struct.pack("<H", len(text)) + text.encode("utf-16-le")

    def element(self, name, attributes, content):
        self.bytes += b"\x41" if attributes else b"\x01"
        size = len(self.bytes)
        self.bytes += b"\0\0\0\0"
        self.name(name)
        if attributes:
            listed = len(self.bytes)
            self.bytes += b"\0\0\0\0"
            for number, (key, value) in enumerate(attributes):
                self.bytes += b"\x46" if number + 1 < len(attributes) else b"\x06"
                self.name(key)
                self.text(value)
            length = struct.pack("<I", len(self.bytes) - listed - 4)
            self.bytes = self.bytes[:listed] + length + self.bytes[listed + 4 :]
        self.bytes += b"\x02"
        for part in content:
            if isinstance(part, str):
                self.text(part)
            else:
                self.element(*part)
        self.bytes += b"\x04"
        self.bytes = self.bytes[:size] + struct.pack("<I", len(self.bytes) - size - 4) + self.bytes[size + 4 :]


def event(number, identifier, provider, data):
    system = [
        ("Provider", [("Name", provider)], []),
        ("EventID", [], [str(identifier)]),
        ("TimeCreated", [("SystemTime", "2026-03-04T05:06:0%d.250000Z" % number)], []),
        ("EventRecordID", [], [str(number)]),
        ("Channel", [], ["System"]),
        ("Computer", [], ["pc-0005.grove.test"]),
    ]
    named = [("Data", [("Name", name)], [text]) for name, text in data]
    return ("Event", [], [("System", [], system), ("EventData", [], named)])


def main():
    events = [
        event(1, 624, "Microsoft-Windows-Smartcard-Server", [("ProcessName", "C:\\Apps\\badge.exe"), ("ProcessId", "812")]),
        event(2, 7036, "Service Control Manager", [("param1", "Smart Card")]),
        event(3, 624, "Microsoft-Windows-Smartcard-Server", [("Detail", "no program")]),
    ]
    names, records, last = {}, b"", 0
    for number, root in enumerate(events, 1):
        at = RECORDS + len(records)
        writer = Writer(at + 24 + 4, names)
        writer.element(*root)
        body = b"\x0f\x01\x01\x00" + writer.bytes + b"\x00"
        size = 24 + len(body) + 4
        time = 134170779670000000 + number
        records += struct.pack("<IIQQ", 0x2A2A, size, number, time) + body + struct.pack("<I", size)
        last = at
    free = RECORDS + len(records)
    head = b"ElfChnk\0" + struct.pack("<QQQQIIII", 1, 3, 1, 3, 128, last, free, zlib.crc32(records)) + bytes(64)
    head += struct.pack("<I", 0)
    tables = bytes(RECORDS - 128)
    chunk = head + struct.pack("<I", zlib.crc32(head[:120] + tables)) + tables + records
    chunk += bytes(CHUNK - len(chunk))
    file = b"ElfFile\0" + struct.pack("<QQQIHHHH", 0, 0, 4, 128, 1, 3, 4096, 1) + bytes(76)
    file += struct.pack("<II", 0, zlib.crc32(file))
    target = Path(__file__).resolve().parent.parent / "samples/evtx/system.evtx"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(file + bytes(4096 - len(file)) + chunk)


main()
