"""A JSON parser written in the language: characters, slices, numbers, lists and dicts."""

import sys


class Parser:
    __slots__ = ("text", "at")

    def __init__(self, text):
        self.text = text
        self.at = 0

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] <= " ":
            self.at += 1

    def expect(self, char):
        if self.text[self.at] != char:
            raise ValueError("unexpected character", self.at)
        self.at += 1

    def value(self):
        self.skip()
        char = self.text[self.at]
        if char == "{":
            value = self.map()
        elif char == "[":
            value = self.list()
        elif char == '"':
            value = self.string()
        elif char == "t":
            value = self.word("true", True)
        elif char == "f":
            value = self.word("false", False)
        elif char == "n":
            value = self.word("null", None)
        else:
            value = self.number()
        self.skip()
        return value

    def word(self, letters, value):
        end = self.at + len(letters)
        if self.text[self.at:end] != letters:
            raise ValueError("unexpected word", self.at)
        self.at = end
        return value

    def number(self):
        negative = self.text[self.at] == "-"
        if negative:
            self.at += 1
        start = self.at
        number = 0
        while self.at < len(self.text):
            code = ord(self.text[self.at])
            if code < 48 or code > 57:
                break
            number = number * 10 + code - 48
            self.at += 1
        if self.at == start:
            raise ValueError("a number expected", start)
        return -number if negative else number

    def string(self):
        self.expect('"')
        start = self.at
        while self.text[self.at] != '"':
            self.at += 1
        string = self.text[start:self.at]
        self.at += 1
        return string

    def list(self):
        self.expect("[")
        items = []
        self.skip()
        if self.text[self.at] == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value())
            if self.text[self.at] != ",":
                break
            self.at += 1
        self.expect("]")
        return items

    def map(self):
        self.expect("{")
        entries = {}
        self.skip()
        if self.text[self.at] == "}":
            self.at += 1
            return entries
        while True:
            self.skip()
            key = self.string()
            self.skip()
            self.expect(":")
            entries[key] = self.value()
            if self.text[self.at] != ",":
                break
            self.at += 1
        self.expect("}")
        return entries


def document(people):
    entries = []
    for i in range(people):
        tags = ", ".join(f'"tag{t}"' for t in range(i % 4))
        active = "true" if i % 3 == 0 else "false"
        entries.append(f'{{"id": {i}, "name": "person {i * 37 % people}", "tags": [{tags}], '
                       f'"balance": {i * 7919 % 2003 - 1000}, "active": {active}, "boss": null}}')
    return "[\n  " + ",\n  ".join(entries) + "\n]\n"


def run(rounds):
    text = document(100)
    total = len(text)
    for _ in range(rounds):
        people = Parser(text).value()
        for person in people:
            total += person["id"] + person["balance"] + len(person["name"]) + len(person["tags"])
            if person["active"]:
                total += 1
    return total


print(run(int(sys.argv[1])))
