#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""conversation.py terminal|patient [list]: asking for part, a list, single items of it, and a reply, by the library alone."""
import json
import sys

import gi

gi.require_version("Ehrlink", "1.0")
from gi.repository import Ehrlink, Gio, GLib  # noqa: E402

LOOP = GLib.MainLoop()
BLOOD = "http://loinc.org|11502-2"
# name, category, type, date
RECORDS = [("new.json", "Laboratory-Reports", BLOOD, "2026-02-01"), ("before.json", "Laboratory-Reports", BLOOD, "2026-01-01"),
           ("urine.json", "Laboratory-Reports", "http://loinc.org|18725-2", "2026-02-02"),
           ("old.json", "Laboratory-Reports", BLOOD, "2019-02-01"), ("later.json", "Laboratory-Reports", BLOOD, "2026-06-01"),
           ("scan.json", "Medical-Imaging", None, "2020-01-01"), ("letter.json", "Discharge-Reports", None, "2026-02-01")]


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


def wait(begin, *arguments):
    """The source and the result of an asynchronous call."""
    results = []

    def on_done(source, result):
        results.append(result)
        LOOP.quit()

    begin(*arguments, None, on_done)
    while not results:
        LOOP.run()
    return results[0]


def until(session, condition):
    """Runs until a change of the session makes that true."""
    handler = session.connect("changed", lambda *_: LOOP.quit())
    while not condition():
        assert not session.has_ended(), session.dup_error()
        LOOP.run()
    session.disconnect(handler)


def query(**members):
    kinds = {"categories": "as", "ids": "as", "last": "u"}
    return {name: GLib.Variant(kinds.get(name, "s"), value) for name, value in members.items()}


def terminal(client, with_list):
    arrivals = []
    queries = [query(categories=["Laboratory-Reports"], type=BLOOD, since="2025", until="2026-03", last=1), query(ids=["scan.json"])]
    options = {"queries": GLib.Variant("aa{sv}", queries), "list": GLib.Variant("b", with_list)}
    session = client.receive_finish(wait(client.receive_async, GLib.Variant("a{sv}", options)))
    session.connect("items-arrived", lambda *_: arrivals.append(LOOP.quit()))
    say("opened")
    until(session, lambda: arrivals)
    if with_list:
        listed = session.list_items_finish(wait(session.list_items_async))
        say("listed", names=[i.get_name() for i in listed], stored=sum(i.get_state() != Ehrlink.ItemState.LISTED for i in listed))
        number = next(i.get_number() for i in listed if i.get_name() == "scan.json")
        arrivals.clear()
        until(session, session.get_may_ask)
        more = GLib.Variant("aa{sv}", [query(ids=[str(number)])])
        session.request_items_finish(wait(session.request_items_async, more, False))
        until(session, lambda: arrivals)
    items = session.collect_finish(wait(session.collect_async, Gio.File.new_for_path("inbox")))
    say("collected", names=sorted(i.get_name() for i in items))
    until(session, session.get_may_ask)
    session.reply_finish(wait(session.reply_async, [Ehrlink.Item.new_for_path("report.json")]))
    until(session, lambda: session.get_reply_state() == "complete")
    say("replied", receipt=session.get_receipt_finish(wait(session.get_receipt_of_async, 1)).get_size() > 0)
    ended = []
    session.wait_async(None, lambda _, result: (ended.append(result), LOOP.quit()))
    session.file_finish(wait(session.file_async))
    while not ended:
        LOOP.run()
    say("filed", status=session.get_status(), well=session.wait_finish(ended[0]))


def offer(name, category, type_code, date):
    item = Ehrlink.Item.new_for_path(name)
    item.set_category(category)
    item.set_date(date)
    if type_code:
        item.set_type_code(type_code)
    return item


def patient(client, _):
    ended, arrived = [], []

    def on_consent(session):
        request, matching = session.get_request().unpack(), session.get_matching()
        say("asked", list=session.get_request_list(), queries=request["queries"], matching=[RECORDS[i][0] for i in matching])
        session.answer_consent(True, matching, None)

    def on_reply(session, *_):
        say("offered", by=session.get_peer_organisation(), verified=session.get_peer_verified())
        session.answer_reply(True)

    options = GLib.Variant("a{sv}", {"replies": GLib.Variant("b", True)})
    session = client.send_finish(wait(client.send_async, [offer(*record) for record in RECORDS], options))
    session.connect("consent-requested", on_consent)
    session.connect("reply-offered", on_reply)
    session.connect("reply-arrived", lambda *_: arrived.append(LOOP.quit()))
    session.wait_async(None, lambda _, result: (ended.append(result), LOOP.quit()))
    until(session, lambda: arrived)
    items = session.collect_replies_finish(wait(session.collect_replies_async, Gio.File.new_for_path("back")))
    until(session, lambda: session.get_reply_state() == "complete")
    proof = session.get_origin_finish(wait(session.get_origin_async, items[0].get_transfer()))
    say("taken", names=[i.get_name() for i in items], proof=proof.get_size() > 0)
    while not ended:
        LOOP.run()
    say("sent", well=session.wait_finish(ended[0]))


role = {"terminal": terminal, "patient": patient}[sys.argv[1]]
role(Ehrlink.Client.new_finish(wait(Ehrlink.Client.new_async)), "list" in sys.argv[2:])
