#!/usr/bin/env python3
"""Takes ONNX Runtime's provider libraries out of its wheel: unpack_wheel.py WHEEL FOLDER. Prints the names of the packages that hold
the CUDA libraries they need, one a line. zipfile checks each file's checksum; a file appears in FOLDER whole or not at all."""
import os
import re
import shutil
import sys
import zipfile

wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    members = [name for name in archive.namelist() if re.search(r"/capi/libonnxruntime_providers_\w+\.so$", name)]
    if len(members) < 3:
        sys.exit(f"{wheel} does not hold the three provider libraries")
    for member in members:
        path = os.path.join(folder, os.path.basename(member))
        with archive.open(member) as source, open(f"{path}.partial", "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        os.replace(f"{path}.partial", path)
    metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    for line in archive.read(metadata).decode().splitlines():
        needed = re.match(r"Requires-Dist: ([^;]+); extra == [\"'](?:cuda|cudnn)[\"']", line)
        if needed:
            print(needed[1].strip())
