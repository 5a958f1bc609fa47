"""A gRPC client that shares no code with Sightline and knows its API through server reflection only.

usage: reflection-client.py REFLECTION_DESCRIPTORS ADDRESS

Prints one JSON object: the services, what health checking says, and the cameras.
"""
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

descriptors, address = sys.argv[1:3]
channel = grpc.insecure_channel(address)


def messages(pool):
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(name))


own = descriptor_pool.DescriptorPool()
for file in descriptor_pb2.FileDescriptorSet.FromString(open(descriptors, "rb").read()).file:
    own.Add(file)
reflection = messages(own)
request_class = reflection("grpc.reflection.v1.ServerReflectionRequest")
ask = channel.stream_stream(
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    request_serializer=lambda message: message.SerializeToString(),
    response_deserializer=reflection("grpc.reflection.v1.ServerReflectionResponse").FromString,
)


def reflect(**request):
    return next(iter(ask(iter([request_class(**request)]), timeout=10)))


services = [s.name for s in reflect(list_services="*").list_services_response.service]

# Files are added with their imports first; a missing import or a dangling type name is an error here.
remote = descriptor_pool.DescriptorPool()
files = {}
for name in services:
    for data in reflect(file_containing_symbol=name).file_descriptor_response.file_descriptor_proto:
        file = descriptor_pb2.FileDescriptorProto.FromString(data)
        files[file.name] = file
added = set()


def add(file):
    if file.name in added:
        return
    added.add(file.name)
    for dependency in file.dependency:
        add(files[dependency])
    remote.Add(file)


for file in files.values():
    add(file)
remote_class = messages(remote)


def call(path, request):
    service, method_name = path.split("/")
    method = remote.FindServiceByName(service).methods_by_name[method_name]
    return channel.unary_unary(
        f"/{path}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=remote_class(method.output_type.full_name).FromString,
    )(json_format.ParseDict(request, remote_class(method.input_type.full_name)()), timeout=10)


def health(service):
    try:
        answer = call("grpc.health.v1.Health/Check", {"service": service})
    except grpc.RpcError as error:
        return error.code().name
    return type(answer).DESCRIPTOR.fields_by_name["status"].enum_type.values_by_number[answer.status].name


cameras = json_format.MessageToDict(call("sightline.v1.CameraService/ListCameras", {}))["cameras"]
checked = ["", "sightline.v1.CameraService", "unknown"]
print(json.dumps({"services": services, "health": {name: health(name) for name in checked}, "cameras": cameras}))
