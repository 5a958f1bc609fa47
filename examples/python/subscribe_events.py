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

while True:
    start = {"cursor": place.read_text()} if place.exists() else {"beginning": True}
    try:
        for message in api.call("EventService/SubscribeEvents", {"start": start}):
            if message.WhichOneof("event") == "gap":
                print(f"{message.gap.messages} messages are gone for good", file=sys.stderr, flush=True)
            else:
                event = message.happened
                kind = api.enum_name("EventType", event.type).removeprefix("EVENT_TYPE_").lower()
                phase = api.enum_name("EventPhase", event.phase).removeprefix("EVENT_PHASE_").lower()
                print(f"{event.name} {event.revision} {kind} {phase}", flush=True)
            # After the event is dealt with: should this program end in between, the event comes once more.
            place.write_text(message.cursor)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            sys.exit(f"{error.code().name}: {error.details()}")
        print("waiting for the server", file=sys.stderr, flush=True)
        time.sleep(0.5)
