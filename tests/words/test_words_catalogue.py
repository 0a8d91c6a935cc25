"""The catalogue: what is committed is what the code says, and no translation loses a value."""

import string

import pytest
from babel.messages.catalog import Message

from bot.words import HERE
from tests.words.catalogue import TRANSLATED, as_mo, gathered, missing, read


def named(text):
    return {field for _literal, field, _format, _conversion in string.Formatter().parse(text) if field is not None}


def texts_of(message: Message):
    """Pairs of a text and its translation, a pair for each plural form."""
    if isinstance(message.id, str):
        return [(message.id, message.string)]
    return list(zip(message.id, message.string or (), strict=True))


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_committed_for_the_program_is_what_is_committed_for_translators(language):
    assert as_mo(read(language)) == (HERE / f"{language}.mo").read_bytes(), "run `make words`"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_code_is_translated(language):
    wanted = {(message.id, message.context) for message in gathered() if message.id}
    held = {(message.id, message.context) for message in read(language) if message.id}

    assert (set(), set()) == (wanted - held, held - wanted), "run `make words`"
    assert [] == missing(read(language)), f"translate them in bot/words/{language}.po and run `make words`"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_values_of_its_text(language):
    pairs = [pair for message in read(language) if message.id for pair in texts_of(message)]

    wrong = [(text, translated) for text, translated in pairs if translated and named(text) != named(translated)]

    assert [] == wrong
