"""Whether a word is another with one slip of the finger."""

from __future__ import annotations


def is_slip(word: str, meant: str) -> bool:
    """One letter too many, missing or another one, or two that changed places.

    What differs in the case of letters alone is no slip: both may be names.
    """
    if word == meant or word.lower() == meant.lower():
        return False
    if len(word) < len(meant):
        word, meant = meant, word
    if len(word) - len(meant) > 1:
        return False
    at = next((i for i, sign in enumerate(meant) if word[i] != sign), len(meant))
    if len(word) > len(meant):
        return word[at + 1 :] == meant[at:]
    swapped = word[at : at + 2] == meant[at : at + 2][::-1]
    return word[at + 1 :] == meant[at + 1 :] or (
        swapped and word[at + 2 :] == meant[at + 2 :]
    )
