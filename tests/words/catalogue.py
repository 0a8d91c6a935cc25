"""Gathers the texts that people read into the catalogue of each language: `make words`."""

import string
import sys
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from bot.words import ENGLISH, HERE, LANGUAGES

KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
NAMES = ("Create ticket", "Add to ticket")
"""What manifest.yml calls the shortcuts; Slack shows these to everybody."""
TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]


def gathered() -> Catalog:
    """Every text in the code that goes through the catalogue."""
    texts = Catalog()
    found = extract_from_dir(
        HERE.parent, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("Words:",), strip_comment_tags=True
    )
    for _file, _line, text, comments, context in found:
        texts.add(text, auto_comments=comments, context=context)
    return texts


def read(language: str) -> Catalog:
    """A language's catalogue as it lies in the repository."""
    with (HERE / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """The same with the texts that the code has now: new ones are without translation, gone ones are gone."""
    catalogue = read(language)
    catalogue.update(gathered(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def as_po(catalogue: Catalog) -> bytes:
    """The form that translators edit; without places in the code, so that it changes only where texts do."""
    file = BytesIO()
    write_po(file, catalogue, width=118, no_location=True, sort_output=True)
    return file.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    """The form that the program reads."""
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def missing(catalogue: Catalog) -> list[str]:
    """The texts that have no translation."""
    return [str(message.id) for message in catalogue if message.id and not _whole(message.string)]


def left_in_english(shown: str, language: str) -> list[str]:
    """What of the catalogue's English still stands in *shown*: phrases, and words that are a line of their own."""
    for name in NAMES:
        shown = shown.replace(name, "")
    lines = {line.strip() for line in shown.splitlines()}
    found = []
    for message in read(language):
        pairs = zip(_forms(message.id), _forms(message.string), strict=False) if message.id else ()
        for english, translated in pairs:
            texts = [text.strip(" .:,;()") for text, _name, _spec, _conversion in string.Formatter().parse(english)]
            kept = [text for text in texts if text not in translated]
            found += [text for text in kept if (" " in text and text in shown) or text in lines - {""}]
    return found


def _forms(text: object) -> tuple[str, ...]:
    return tuple(map(str, text)) if isinstance(text, tuple | list) else (str(text),)


def _whole(translation: object) -> bool:
    return all(translation) if isinstance(translation, tuple | list) else bool(translation)


def main() -> None:
    """Write each language's catalogue anew and name what is still to be translated."""
    for language in TRANSLATED:
        catalogue = updated(language)
        (HERE / f"{language}.po").write_bytes(as_po(catalogue))
        (HERE / f"{language}.mo").write_bytes(as_mo(catalogue))
        left = missing(catalogue)
        sys.stdout.write(f"{language}: {len(catalogue)} texts, {len(left)} without translation in {language}.po\n")
        sys.stdout.writelines(f"  {text!r}\n" for text in left)


if __name__ == "__main__":
    main()
