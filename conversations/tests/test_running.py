"""A turn runs by itself: readers leave and come back, what is left alone ends in time, and only a word stops it."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from types import SimpleNamespace
from uuid import uuid4

import pytest
from redis import Redis

from bots.quotas.models import Quota, QuotaUse
from conversations.following import journal
from conversations.following.api import stream_turn
from conversations.following.journal import LEASE_SECONDS, RENEW_SECONDS, KeptTurn
from conversations.following.running import find_turn, running_turns, start_turn
from conversations.models import Message
from conversations.tests.test_turns import QUESTION
from conversations.turns import taking
from conversations.turns.schemas import tell_event
from conversations.turns.state import Asker
from conversations.turns.taking import Delta, Done, Failed, SourcesFound, Stopped
from minirag.lib.errors import Conflict, Gone, NotFound
from minirag.lib.metrics.counted import read_counted
from minirag.lib.starting.readiness import ServerStopping, stop_taking_work
from minirag.serving.stopping import OpenRequests, end_work
from tenants.context import run_sync, tenant_context

ANSWER = "It is covered for 36 months [1]."


def begin(bot, **asker):
    return start_turn(bot.pk, None, QUESTION, asker=Asker(**asker), is_stream=True, tell=tell_event)


async def read(turn, after: int = 0, count: int | None = None) -> list:
    """The events of a turn behind a number: all, or so many, after which the reader leaves."""
    seen = []
    async with aclosing(turn.read(after)) as events:
        async for number, event in events:
            seen.append((number, event))
            if len(seen) == count:
                break
    return seen


async def told(turn, after: int = 0) -> list:
    return [each async for each in turn.tell(after)]


async def settle() -> None:
    """Let every turn end."""
    while len(running_turns()):
        await asyncio.sleep(0.01)


def outcomes() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("created_at").values_list("role", "outcome"))


@pytest.fixture
def patience(settings):
    """How long a turn waits for a reader."""
    settings.DETACHED_TURN_SECONDS = 30.0
    return settings


@pytest.fixture
def redis(settings) -> Redis:
    redis = Redis.from_url(settings.REDIS_URL)
    for key in redis.scan_iter("minirag:turns:*"):
        redis.delete(key)
    return redis


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """What leases are renewed by. It stands still."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(journal, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_two_readers_hear_the_same_events_with_the_same_numbers(acme_bot, model, run_async):
    model.enqueue("It is covered ", 0.05, "for 36 months [1].")

    async def run():
        turn = await begin(acme_bot)
        return await asyncio.gather(read(turn), read(turn))

    first, second = run_async(run)
    assert first == second
    assert [number for number, _ in first] == list(range(1, len(first) + 1))
    assert isinstance(first[0][1], SourcesFound) and isinstance(first[-1][1], Done)


def test_a_turn_whose_reader_leaves_is_finished_stored_and_read_on(
    patience, acme_bot, model, run_async
):
    model.enqueue("It is covered ", 0.1, "for 36 months [1].")

    async def run():
        turn = await begin(acme_bot)
        heard = await read(turn, count=2)
        return heard, await read(turn, after=2)

    heard, rest = run_async(run)
    text = "".join(each.content for _, each in heard + rest if isinstance(each, Delta))
    assert text == ANSWER and rest[-1][1].message.content == ANSWER
    assert outcomes() == [("user", "answered"), ("assistant", "answered")]


def test_running_turns_are_counted_for_whoever_adds_processes_by_them(acme_bot, model, run_async):
    def count() -> float:
        return read_counted().get_sample_value("minirag_running_turns")

    async def run():
        model.enqueue("It is covered ", 0.05, "for 36 months [1].")
        turns = [await begin(acme_bot), await begin(acme_bot)]
        running = count()
        await asyncio.gather(*map(read, turns))
        await settle()
        return running, count()

    before = count()
    model.enqueue(ANSWER)
    assert run_async(run) == (before + 2, before)


def test_a_turn_that_nobody_reads_at_all_is_finished_too(patience, acme_bot, model, run_async):
    model.enqueue(ANSWER)

    async def run():
        await begin(acme_bot)
        await settle()

    run_async(run)
    assert outcomes() == [("user", "answered"), ("assistant", "answered")]


def test_a_turn_is_left_alone_for_so_long_and_no_longer(patience, acme_bot, model, run_async):
    patience.DETACHED_TURN_SECONDS = 0.05
    model.enqueue("It is covered ", 20.0, "never said")

    async def run():
        turn = await begin(acme_bot)
        await read(turn, count=2)
        await settle()

    run_async(run)
    assert outcomes() == [("user", "stopped"), ("assistant", "stopped")]


def test_a_reader_whose_stream_is_closed_has_left_once(patience, acme_bot, model, run_async):
    """As the server does when a client goes away; whoever is still there keeps the turn going."""
    patience.DETACHED_TURN_SECONDS = 0.05
    model.enqueue("It is covered ", 20.0, "never said")

    async def begin_to_read(turn):
        response = stream_turn(turn, 0, extended=True, numbered=True, request_id="")
        blocks = aiter(response.streaming_content)
        assert b"sources" in await anext(blocks)
        return response, blocks

    async def run():
        turn = await begin(acme_bot)
        (gone, its_blocks), (left, last_blocks) = [await begin_to_read(turn) for _ in "ab"]
        gone.close()
        await its_blocks.aclose()
        gone.close()
        await asyncio.sleep(0.2)
        assert len(running_turns()) == 1
        left.close()
        await settle()
        await last_blocks.aclose()

    run_async(run)
    assert outcomes() == [("user", "stopped"), ("assistant", "stopped")]


def test_a_reader_who_comes_back_in_time_keeps_the_turn_going(patience, acme_bot, model, run_async):
    patience.DETACHED_TURN_SECONDS = 0.2
    model.enqueue("It is covered ", 0.5, "for 36 months [1].")

    async def run():
        turn = await begin(acme_bot)
        await read(turn, count=2)
        return await read(turn, after=2)

    assert isinstance(run_async(run)[-1][1], Done)


def test_of_too_many_turns_alone_the_greediest_tenants_oldest_is_stopped(
    patience, acme, globex, acme_bot, globex_bot, model, run_async
):
    patience.DETACHED_TURNS = 2
    for _ in range(3):
        model.enqueue("It is ", 20.0, "never said")

    async def leave(party, bot, question):
        with tenant_context(party.tenant):
            turn = await start_turn(
                bot.pk, None, question, asker=Asker(), is_stream=True, tell=tell_event
            )
            await read(turn, count=2)
            return turn

    async def run():
        foreign = await leave(globex, globex_bot, "When should roses be pruned?")
        old, new = [await leave(acme, acme_bot, QUESTION) for _ in range(2)]
        while not old.is_over:
            await asyncio.sleep(0.01)
        assert not new.is_over and not foreign.is_over
        await asyncio.gather(new.stop(), foreign.stop())

    run_async(run)


def test_stop_ends_the_turn_for_all_its_readers(acme_bot, model, run_async):
    model.enqueue("It is covered for 36 months [1] ", 20.0, "never said")

    async def run():
        turn = await begin(acme_bot)
        await read(turn, count=2)
        reading = asyncio.ensure_future(read(turn))
        await asyncio.gather(turn.stop(), turn.stop())
        return await reading

    end = run_async(run)[-1][1]
    assert isinstance(end, Stopped) and end.message.content.startswith("It is covered")
    assert end.usage.completion_tokens > 0 and end.message.citations.count() == 1
    assert outcomes() == [("user", "stopped"), ("assistant", "stopped")]


def test_a_turn_that_is_over_cannot_be_stopped_any_more(acme_bot, model, run_async):
    model.enqueue(ANSWER)

    async def run():
        turn = await begin(acme_bot)
        seen = await read(turn)
        await turn.stop()
        return seen

    assert isinstance(run_async(run)[-1][1], Done)
    assert outcomes() == [("user", "answered"), ("assistant", "answered")]


def test_what_forbids_a_turn_is_raised_to_whoever_asks(acme, acme_bot, globex_bot, run_async):
    for bot in (globex_bot, type(acme_bot)(pk=uuid4())):
        with pytest.raises(NotFound):
            run_async(begin, bot)
    acme.tenant.change_status("suspended")
    with pytest.raises(Conflict):
        run_async(begin, acme_bot)


class TestAProcessThatStops:
    @pytest.fixture(autouse=True)
    def go_on(self, monkeypatch):
        """The tests' own process goes on."""
        monkeypatch.setattr("minirag.lib.starting.readiness._stopping", threading.Event())

    def test_takes_no_turn_and_stores_nothing(self, acme_bot, run_async):
        stop_taking_work()
        with pytest.raises(ServerStopping):
            run_async(begin, acme_bot)
        assert not Message.objects.exists()

    def test_says_so_over_http(self, acme_bot, as_acme, client):
        stop_taking_work()
        body = {"bot_profile_id": str(acme_bot.pk), "message": QUESTION}
        completion = {
            "model": str(acme_bot.pk),
            "messages": [{"role": "user", "content": QUESTION}],
        }
        for path, asked in (("/v1/chat", body), ("/v1/chat/completions", completion)):
            refused = as_acme.post(path, asked, content_type="application/json")
            assert refused.status_code == 503 and int(refused["Retry-After"]) > 0
            assert "server_stopping" in refused.content.decode()
        with tenant_context(None):
            assert client.get("/health").status_code == 503

    def test_stores_what_was_said_settles_the_turn_and_tells_its_readers(
        self, acme_bot, model, run_async
    ):
        Quota.objects.create(resource="messages", limit=5)
        Quota.objects.create(resource="tokens", limit=100_000)
        model.enqueue("It is covered for 36 months [1] ", 20.0, "never said")

        async def run():
            turn = await begin(acme_bot)
            await read(turn, count=2)
            reading = asyncio.ensure_future(read(turn))
            stop_taking_work()
            await running_turns().end_all()
            return await reading

        end = run_async(run)[-1][1]
        assert isinstance(end, Failed) and end.error.code == "server_stopping"
        assert outcomes() == [("user", "stopped"), ("assistant", "stopped")]
        question, answer = Message.objects.order_by("created_at")
        assert question.error_code == "server_stopping" and answer.content.startswith("It is")
        questions, tokens = QuotaUse.objects.order_by("quota__resource")
        assert questions.used == 0 and tokens.used > 50


class TestAQuestionThatIsBeingStoredWhenTheProcessStops:
    @pytest.fixture(autouse=True)
    def go_on(self, monkeypatch):
        """The tests' own process goes on."""
        monkeypatch.setattr("minirag.lib.starting.readiness._stopping", threading.Event())

    @pytest.fixture
    def storing(self, monkeypatch):
        """Storing a question has begun, and goes on when it is told to."""
        store, storing = taking._open, SimpleNamespace(began=asyncio.Event(), go_on=asyncio.Event())

        async def store_slowly(*args):
            storing.began.set()
            await storing.go_on.wait()
            return await store(*args)

        monkeypatch.setattr(taking, "_open", store_slowly)
        return storing

    async def stop_meanwhile(self, storing, bot, grace_seconds: float, reader_leaves: bool = False):
        """Ask, stop before the question is stored; returns what is stored then, and what the reader heard."""
        asking = asyncio.ensure_future(begin(bot))
        await storing.began.wait()
        assert len(running_turns()) == 1 and not await run_sync(outcomes)
        ending = asyncio.ensure_future(end_work(OpenRequests(None), grace_seconds))
        await asyncio.sleep(0)
        storing.go_on.set()
        heard = []
        if reader_leaves:
            asking.cancel()
        else:
            heard = await read(await asking)
        await ending
        assert len(running_turns()) == 0
        return await run_sync(outcomes), heard

    def test_is_answered_where_there_is_time(self, storing, acme_bot, model, run_async):
        model.enqueue(ANSWER)
        stored, heard = run_async(self.stop_meanwhile, storing, acme_bot, 20.0)
        assert stored == [("user", "answered"), ("assistant", "answered")]
        assert isinstance(heard[-1][1], Done)

    def test_is_stopped_and_its_reader_told_where_there_is_none(
        self, storing, acme_bot, model, run_async
    ):
        model.enqueue(20.0, "never said")
        stored, heard = run_async(self.stop_meanwhile, storing, acme_bot, 2.0)
        assert stored[0] == ("user", "stopped")
        assert heard[-1][1].error.code == "server_stopping"

    def test_is_stopped_as_soon_as_it_is_stored(self, storing, acme_bot, model, run_async):
        model.enqueue(20.0, "never said")

        async def run():
            asking = asyncio.ensure_future(begin(acme_bot))
            await storing.began.wait()
            ending = asyncio.ensure_future(running_turns().end_all())
            await asyncio.sleep(0)
            storing.go_on.set()
            await ending
            return await run_sync(outcomes), await read(await asking)

        stored, heard = run_async(run)
        assert stored == [("user", "stopped")]
        assert heard[-1][1].error.code == "server_stopping"

    def test_is_not_forgotten_where_its_reader_has_left(self, storing, acme_bot, model, run_async):
        model.enqueue(20.0, "never said")
        stored, _ = run_async(self.stop_meanwhile, storing, acme_bot, 2.0, reader_leaves=True)
        assert stored[0] == ("user", "stopped")

    def test_that_is_refused_is_waited_for_no_longer(self, storing, acme_bot, run_async):
        async def run():
            with pytest.raises(NotFound):
                await self.stop_meanwhile(storing, type(acme_bot)(pk=uuid4()), 20.0)
            return len(running_turns())

        assert run_async(run) == 0

    def test_that_cannot_be_begun_is_waited_for_no_longer(self, storing, acme_bot, run_async):
        async def run():
            asking = asyncio.ensure_future(begin(acme_bot))
            await asyncio.sleep(0)
            [task] = [each for each in asyncio.all_tasks() if "_take" in repr(each.get_coro())]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await running_turns().end_all()
            return len(running_turns())

        assert run_async(run) == 0


class TestWhatIsKept:
    def test_is_read_elsewhere_as_it_is_here(self, redis, acme_bot, model, run_async):
        model.enqueue("It is covered ", 0.05, "for 36 months [1].")

        async def run():
            turn = await begin(acme_bot, request_id="r-7")
            here = await told(turn)
            await running_turns().journal.write()
            elsewhere = KeptTurn(turn.schema_name, turn.turn_id, is_pending=False)
            return here, await told(elsewhere), await told(elsewhere, after=2)

        here, elsewhere, rest = run_async(run)
        assert elsewhere == here and rest == here[2:]
        assert here[-1][1] == "done" and here[-1][2]["content"] == ANSWER

    def test_is_followed_while_it_is_written(self, redis, acme_bot, model, run_async):
        model.enqueue("It is covered ", 0.7, "for 36 months [1].")

        async def run():
            turn = await begin(acme_bot)
            elsewhere = KeptTurn(turn.schema_name, turn.turn_id, is_pending=True)
            return await asyncio.gather(told(turn), told(elsewhere))

        here, elsewhere = run_async(run)
        assert elsewhere == here

    def test_holds_no_word_in_the_clear_and_ends_by_itself(self, redis, acme_bot, model, run_async):
        model.enqueue(ANSWER)

        async def run():
            await told(await begin(acme_bot))
            await running_turns().journal.write()

        run_async(run)
        [key] = redis.scan_iter("minirag:turns:*")
        assert b":t_acme:" in key and 0 < redis.ttl(key) <= 180
        assert b"covered" not in b"".join(redis.lrange(key, 0, -1))

    def test_of_another_tenant_is_not_found(self, redis, acme_bot, globex, model, run_async):
        model.enqueue(ANSWER)

        async def run():
            turn = await begin(acme_bot)
            await told(turn)
            await running_turns().journal.write()
            with tenant_context(globex.tenant):
                stolen = find_turn(Message(pk=turn.turn_id, outcome="answered"))
                with pytest.raises(Gone):
                    await stolen.require_events()
                with pytest.raises(Gone):
                    await told(stolen)

        run_async(run)

    def test_can_be_stopped_from_elsewhere(self, redis, acme_bot, model, run_async):
        model.enqueue("It is covered ", 20.0, "never said")

        async def run():
            turn = await begin(acme_bot)
            reading = asyncio.ensure_future(told(turn))
            await running_turns().journal.write()
            await KeptTurn(turn.schema_name, turn.turn_id, is_pending=True).stop()
            return await reading

        name, data = run_async(run)[-1][1:]
        assert name == "done" and data["stopped"]

    def test_can_be_stopped_before_anything_is_written(self, redis, acme_bot, model, run_async):
        model.enqueue("It is covered ", 20.0, "never said")

        async def run():
            turn = await begin(acme_bot)
            elsewhere = KeptTurn(turn.schema_name, turn.turn_id, is_pending=True)
            seen, _ = await asyncio.gather(told(turn), elsewhere.stop())
            return seen

        assert run_async(run)[-1][2]["stopped"]

    def test_ends_as_interrupted_where_its_process_has_died(
        self, redis, acme_bot, model, run_async
    ):
        model.enqueue("It is covered ", 20.0, "never said")

        async def run():
            turn = await begin(acme_bot)
            await read(turn, count=2)
            await running_turns().journal.write()
            for key in redis.scan_iter("*:lease"):
                redis.delete(key)  # as it is ten seconds after a kill -9
            elsewhere = KeptTurn(turn.schema_name, turn.turn_id, is_pending=True)
            turn._all.journal._forget(turn)
            seen = []
            with pytest.raises(Exception, match="interrupted"):
                async for each in elsewhere.tell():
                    seen.append(each)
            await turn.stop()
            return seen

        assert [name for _, name, _ in run_async(run)] == ["sources", "delta"]

    def test_shows_that_its_process_lives_as_long_as_it_does_whatever_redis_forgets(
        self, redis, acme_bot, model, run_async, clock
    ):
        model.enqueue("It is covered ", 20.0, "never said")

        async def run():
            turn = await begin(acme_bot)
            await read(turn, count=2)
            write = running_turns().journal.write
            await write()
            [lease] = redis.scan_iter("*:lease")
            redis.expire(lease, 2)
            await write()
            early = redis.ttl(lease)
            clock.now += RENEW_SECONDS
            await write()
            renewed = redis.ttl(lease)
            redis.delete(lease)
            await write()  # sees that it is gone
            await write()
            again = redis.ttl(lease)
            await turn.stop()
            return early, renewed, again

        early, renewed, again = run_async(run)
        assert early <= 2 < LEASE_SECONDS - 2 <= min(renewed, again)

    def test_hears_a_word_to_stop_that_comes_as_it_is_renewed(
        self, redis, acme_bot, model, run_async, clock
    ):
        model.enqueue("It is covered ", 20.0, "never said")

        async def run():
            turn = await begin(acme_bot)
            reading = asyncio.ensure_future(told(turn))
            await running_turns().journal.write()
            await KeptTurn(turn.schema_name, turn.turn_id, is_pending=False).stop()
            clock.now += RENEW_SECONDS
            return await reading

        assert run_async(run)[-1][2]["stopped"]

    def test_is_not_needed_by_whoever_reads_here(self, acme_bot, model, run_async, settings):
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        model.enqueue(ANSWER)

        async def run():
            seen = await told(await begin(acme_bot))
            await running_turns().journal.write()
            return seen

        assert run_async(run)[-1][1] == "done"
