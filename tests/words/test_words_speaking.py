"""Texts come in the language of who reads them."""

import asyncio

from bot.words import _, language_of, ngettext, pgettext, settle, speaking, spoken_language, together


def test_a_text_is_in_the_language_of_the_locale_with_its_values():
    with speaking("it-IT"):
        assert _("Ticket {number}: {subject}", number="7", subject="{stampante}") == "Ticket 7: {stampante}"
        assert _("Close") == "Chiudi"
    assert _("Close") == "Close"


def test_one_word_with_two_meanings_has_two_translations():
    with speaking("it-IT"):
        assert pgettext("status", "Open") == "Aperto"
        assert _("Open") == "Apri"


def test_a_number_of_things_is_said_as_its_language_does():
    assert [ngettext("and {number} more", "and {number} more", n) for n in (1, 2)] == ["and 1 more", "and 2 more"]
    with speaking("it"):
        assert [ngettext("and {number} more", "and {number} more", n) for n in (1, 2)] == [
            "e 1 altro",
            "e altri 2",
        ]


def test_a_locale_that_is_not_spoken_is_answered_in_the_common_language():
    assert [language_of(locale) for locale in ("it-IT", "it_CH", "IT", "en-GB", "fr-FR", "")] == [
        "it",
        "it",
        "it",
        "en",
        "",
        "",
    ]

    async def deployment():
        settle("it")
        with speaking("fr-FR"):
            strange = spoken_language()
        with speaking("en-US"):
            return strange, spoken_language()

    assert asyncio.run(deployment()) == ("it", "en")
    assert spoken_language() == "en"  # what a deployment settles ends with its task


async def test_two_who_are_answered_at_once_are_each_answered_in_their_language():
    async def answer(locale):
        with speaking(locale):
            await asyncio.sleep(0)
            return _("Close")

    assert await asyncio.gather(*map(answer, ["it-IT", "en-US", "it-CH"])) == ["Chiudi", "Close", "Chiudi"]


def test_names_are_joined_as_the_language_does():
    assert [together(names) for names in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b and c"]
    with speaking("it"):
        assert together(["a", "b"]) == "a e b"
