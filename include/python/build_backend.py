"""Builds the wheel of the SDK: its files and three of metadata, in a zip (PEP 517, PEP 660).

In the tree rather than from a package index, because the SDK is installed where there is none."""

import base64
import hashlib
import io
import pathlib
import re
import tarfile
import tomllib
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
VERSION = re.search(r'__version__ = "(.*)"', (HERE / "reeve/_version.py").read_text())[1]
NAME = f"{PROJECT['name']}-{VERSION}"
WHEEL = f"{NAME}-py3-none-any.whl"
# The same bytes from the same files, whenever they are packed.
PACKED = (1980, 1, 1, 0, 0, 0)


def sources():
    return sorted([*HERE.glob("reeve/*.py"), HERE / "reeve/py.typed"])


def metadata():
    lines = ["Metadata-Version: 2.1", f"Name: {PROJECT['name']}", f"Version: {VERSION}",
             f"Summary: {PROJECT['description']}", f"License: {PROJECT['license']['text']}",
             f"Requires-Python: {PROJECT['requires-python']}"]
    for extra, needed in PROJECT["optional-dependencies"].items():
        lines += [f"Provides-Extra: {extra}"]
        lines += [f'Requires-Dist: {one} ; extra == "{extra}"' for one in needed]
    return "\n".join(lines) + "\n"


def write_wheel(folder, files):
    """@files: name in the wheel to bytes"""
    info = f"{NAME}.dist-info"
    files = {**files, f"{info}/METADATA": metadata().encode(),
             f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: reeve\nRoot-Is-Purelib: true\n"
                              b"Tag: py3-none-any\n"}
    record = []
    with zipfile.ZipFile(pathlib.Path(folder, WHEEL), "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}")
            wheel.writestr(zipfile.ZipInfo(name, PACKED), data)
        record.append(f"{info}/RECORD,,")
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", PACKED), "\n".join(record) + "\n")
    return WHEEL


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, {f"reeve/{path.name}": path.read_bytes() for path in sources()})


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return write_wheel(wheel_directory, {"reeve-sdk.pth": f"{HERE}\n".encode()})


def build_sdist(sdist_directory, config_settings=None):
    name = f"{NAME}.tar.gz"
    with tarfile.open(pathlib.Path(sdist_directory, name), "w:gz") as archive:
        for path in [*sources(), HERE / "pyproject.toml", HERE / "build_backend.py"]:
            archive.add(path, f"{NAME}/{path.relative_to(HERE)}")
        entry = tarfile.TarInfo(f"{NAME}/PKG-INFO")
        entry.size = len(metadata())
        archive.addfile(entry, io.BytesIO(metadata().encode()))
    return name
