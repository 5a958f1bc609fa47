"""Prints events as they happen, and goes on after the last one when it is started again or the server was away.

usage: subscribe_events.py [HOST:PORT] [CURSOR_FILE]
"""
import sys
import time
from pathlib import Path

import grpc
from sightline_api import Api

address, cursor_file = (sys.argv[1:] + ["127.0.0.1:50051", "events.cursor"][len(sys.argv) - 1 :])[:2]
api = Api(address)
place = Path(cursor_file)


def remember(cursor):
    """Replaces the file as a whole, so that a program that is killed meanwhile leaves the cursor of before."""
    fresh = place.with_name(f"{place.name}.new")
    fresh.write_text(cursor)
    fresh.replace(place)


while True:
    start = {"cursor": place.read_text()} if place.exists() else {"beginning": True}
    try:
        for message in api.call("EventService/SubscribeEvents", {"start": start, "progress": True}):
            if message.WhichOneof("event") == "gap":
                print(f"{message.gap.messages} messages are gone for good", file=sys.stderr, flush=True)
            elif message.WhichOneof("event") == "happened":
                event = message.happened
                kind = api.enum_name("EventType", event.type).removeprefix("EVENT_TYPE_").lower()
                phase = api.enum_name("EventPhase", event.phase).removeprefix("EVENT_PHASE_").lower()
                print(f"{event.name} {event.revision} {kind} {phase}", flush=True)
            # After the event is dealt with: should this program end in between, the event comes once more. Progress too has a
            # cursor, so that the place stays recent also under a "filter" that lets nothing through for days.
            remember(message.cursor)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            sys.exit(f"{error.code().name}: {error.details()}")
        print("waiting for the server", file=sys.stderr, flush=True)
        time.sleep(0.5)
