"""Lengths in the params of refusals: a number for programs, words in the sentence for people."""

from institutions.templatetags.yitong import minutes_long


class Minutes(int):
    """So many minutes: JSON writes the number, a sentence `7 d` in the language that is active."""

    def __str__(self) -> str:
        return minutes_long(int(self))
