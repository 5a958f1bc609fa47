"""Reads a named subscription and acknowledges each event; readers of one subscription share its events.

usage: consume.py [HOST:PORT] [SUBSCRIPTION]
"""
import sys
import time

import grpc
from sightline_api import Api

address, subscription = (sys.argv[1:] + ["127.0.0.1:50051", "python-example"][len(sys.argv) - 1 :])[:2]
api = Api(address)
name = f"subscriptions/{subscription}"

while True:
    try:
        settings = {"kind": "SUBSCRIPTION_KIND_EVENTS", "start": {"beginning": True}}
        request = {"subscription_id": subscription, "subscription": settings}
        api.call("SubscriptionService/CreateSubscription", request, timeout=10)
        for message in api.call("SubscriptionService/Consume", {"name": name, "max_unacknowledged": 10}):
            if message.WhichOneof("message") == "event":
                print(f"{message.event.name} {message.event.revision} {message.delivery_attempt}", flush=True)
                answer = {"name": name, "ack_ids": [message.ack_id]}
                api.call("SubscriptionService/Acknowledge", answer, timeout=10)
            else:
                print("messages expired before they were read", file=sys.stderr, flush=True)
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            sys.exit(f"{error.code().name}: {error.details()}")
        print("waiting for the server", file=sys.stderr, flush=True)
        time.sleep(0.5)
