"""What is too large for one message, one file or one thread has a plan: nothing is lost, nothing escapes."""

from unittest.mock import patch

from bot.conversion import pull
from bot.settings import parse
from tests.journeys.test_journeys_loops import a_case, eventually, texts


async def test_forty_thousand_characters_and_more_than_fifty_blocks_arrive_whole_both_ways(tmp_path):
    """The pretend Slack refuses what is above its limits, so the agent's words come as several messages, in order."""
    async with a_case(tmp_path) as (day, case):
        words = [f"w{number:05}" for number in range(5700)]
        user = next(iter(day.people))
        await day.slack.post(user, case.channel, " ".join(words), thread_ts=case.ts)
        paragraphs = "\n\n".join(" ".join(words[at : at + 50]) for at in range(0, len(words), 50))
        await day.agents.reply(case.ticket, f"{paragraphs}\n\nTHE END")

        async def there():
            on_ticket = "\n".join(message.text for message in (await day.agents.ticket(case.ticket)).messages)
            return words[-1] in on_ticket and any("THE END" in text for text in texts(day, case))

        await eventually(there)
        ticket = [message.text for message in (await day.agents.ticket(case.ticket)).messages]
        posts = [m for m in day.slack.replies(case.channel, case.ts) if m.get("bot_id") == day.slack.bot_id][1:]
        said = [word for post in posts for word in _words(post["blocks"]) if word.startswith("w")]

        assert words == said
        assert len(posts) > 1
        assert words == [word for text in ticket if "THE END" not in text for word in text.split() if word in {*words}]


async def test_files_that_are_too_large_are_named_on_the_other_side(tmp_path):
    """A person's at the desk that does not take it, an agent's in the thread."""
    with patch.object(pull, "FILE", 1000):
        async with a_case(tmp_path) as (day, case):
            day.world.settings["desks"]["demo"]["max_file"] = 1000
            await day.stop()
            day._settings = parse(day.world.settings, day.world.environment, source="large")
            await day.start()
            user, large = next(iter(day.people)), b"x" * 2000
            await day.slack.post(
                user, case.channel, "look", thread_ts=case.ts, files=[("mine.txt", large, "text/plain")]
            )
            await day.agents.reply(case.ticket, "here", files=(("yours.txt", large),))

            async def named():
                on_ticket = "\n".join(message.text for message in (await day.agents.ticket(case.ticket)).messages)
                return "mine.txt" in on_ticket and any("yours.txt" in text for text in texts(day, case))

            await eventually(named)
            shared = [m for m in day.slack.replies(case.channel, case.ts) if m.get("bot_id") and m.get("files")]
            ticket = (await day.agents.ticket(case.ticket)).messages

            assert [] == shared
            assert [] == [file.name for message in ticket for file in message.files if file.name == "mine.txt"]


async def test_when_the_thread_is_deleted_an_answer_never_lands_in_the_channel(tmp_path):
    """Its first message goes while replies stay, then all of it: what agents write stays at the desk."""
    async with a_case(tmp_path) as (day, case):
        day.slack.messages.remove(case.channel, case.ts)
        await day.agents.reply(case.ticket, "under the tombstone")

        async def heard():
            return any("under the tombstone" in text for text in texts(day, case))

        await eventually(heard)
        before = len(day.slack.history(case.channel))
        for message in day.slack.replies(case.channel, case.ts)[1:]:
            day.slack.messages.remove(case.channel, message["ts"])
        posts = day.world.slack.calls["chat.postMessage"]
        await day.agents.reply(case.ticket, "to nobody")

        async def tried():
            return day.world.slack.calls["chat.postMessage"] >= posts + 1

        await eventually(tried)
        everywhere = [m for m in day.slack.history(case.channel) if "to nobody" in str(m.get("text"))]

        assert [] == everywhere
        assert len(day.slack.history(case.channel)) <= before


def _words(node):
    """The words in the texts of blocks, in order."""
    if isinstance(node, list):
        return [word for one in node for word in _words(one)]
    if isinstance(node, dict):
        own = node["text"].split() if isinstance(node.get("text"), str) else []
        return own + [word for value in node.values() if isinstance(value, list | dict) for word in _words(value)]
    return []
