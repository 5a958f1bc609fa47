"""Sightline's gRPC API from its descriptors: messages by name, and calls by "Service/Method"."""
from pathlib import Path

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DESCRIPTORS = Path(__file__).parents[2] / "services/results/src/gen/sightline.binpb"


class Api:
    def __init__(self, address):
        self._pool = descriptor_pool.DescriptorPool()
        self._streaming = {}
        for file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
            self._pool.Add(file)
            for service in file.service:
                for method in service.method:
                    self._streaming[f"{service.name}/{method.name}"] = method.server_streaming
        self._channel = grpc.insecure_channel(address, [("grpc.keepalive_time_ms", 30_000)])

    def call(self, path, request=None, timeout=None):
        """Calls a method with a request given as a dict; returns the answer, or an iterator of answers."""
        service, method_name = path.split("/")
        method = self._pool.FindServiceByName(f"sightline.v1.{service}").methods_by_name[method_name]
        kind = self._channel.unary_stream if self._streaming[path] else self._channel.unary_unary
        call = kind(
            f"/sightline.v1.{path}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self._class(method.output_type).FromString,
        )
        return call(self._class(method.input_type)(**(request or {})), timeout=timeout)

    def enum_name(self, enum, value):
        return self._pool.FindEnumTypeByName(f"sightline.v1.{enum}").values_by_number[value].name

    def _class(self, descriptor):
        if hasattr(message_factory, "GetMessageClass"):
            return message_factory.GetMessageClass(descriptor)
        return message_factory.MessageFactory(self._pool).GetPrototype(descriptor)
