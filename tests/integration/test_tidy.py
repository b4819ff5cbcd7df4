"""Compress= and MaxDisk=: files that were put aside are compressed, and the oldest of them go."""

import gzip
import re
import subprocess

from client import wait_seen
from reeve import pool, worker
from test_logs import LINE, numbers, sizes, wait_captured, wait_lines


def flood(lines, **log):
    return pool(worker("flood", lines, LINE), Type="notify", log={"MaxSize": "64K", **log})


def put_aside(daemon, name):
    """The rotated files of slot 0, oldest first."""
    found = (path for path in daemon.log(name).parent.iterdir()
             if re.fullmatch(r"0\.log\.\d+(\.gz)?", path.name))
    return sorted(found, key=lambda path: -int(path.name.split(".")[2]))


def content(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def size_put_aside(daemon, name):
    """The one that is being written may grow beyond the limit until the next look."""
    return sizes(put_aside(daemon, name))


def is_all_packed(daemon, name):
    files = put_aside(daemon, name)
    return files and all(path.suffix == ".gz" for path in files)


def packed(reeve, lines=5000, **log):
    daemon = reeve({"w": flood(lines, Compress="gzip", MaxFiles=20, **log)})
    daemon.wait_state("w")
    wait_lines(daemon, "w", lines)
    wait_seen(lambda: is_all_packed(daemon, "w"))
    return daemon


def test_compressed_files_are_read(reeve):
    daemon = packed(reeve)
    files = put_aside(daemon, "w")
    assert len(files) >= 5000 * LINE // 65536
    text = b"".join(map(content, files)) + daemon.log("w").read_bytes()
    assert numbers(text.decode()) == list(range(5000))
    assert all(path.stat().st_mode & 0o777 == 0o640 for path in files)
    # The last lines, from each depth, and all there is.
    for lines in (1, 700, 1500, 3333, 4999, 5000, 9999):
        wanted = list(range(max(0, 5000 - lines), 5000))
        assert numbers(daemon.ctl("logs", "w", "-n", lines).stdout) == wanted
    assert numbers(daemon.api.get("/v1/pools/w/logs?lines=all").body.decode()) == list(range(5000))
    assert not list(daemon.log("w").parent.glob("*.packing"))


def test_plain_tools_read_them(reeve):
    daemon = packed(reeve, lines=2000)
    for path in put_aside(daemon, "w"):
        assert subprocess.run(["gzip", "-dc", path], capture_output=True,
                              check=True).stdout == content(path)


def test_limit_of_a_pool(reeve):
    daemon = reeve({"w": flood(5000, MaxDisk="200K", MaxFiles=20)})
    wait_captured(daemon, "w", 5000 * LINE)
    wait_seen(lambda: size_put_aside(daemon, "w") <= 200 * 1024)
    kept = numbers("".join(path.read_text() for path
                           in [*put_aside(daemon, "w"), daemon.log("w")]))
    # The oldest went, without a gap in what is left.
    assert kept and kept == list(range(kept[0], 5000)) and kept[0] > 0


def test_a_file_being_written_stays(reeve):
    daemon = reeve({"w": flood(900, MaxDisk="4K", MaxFiles=20)})
    wait_captured(daemon, "w", 900 * LINE)
    wait_seen(lambda: not put_aside(daemon, "w"))
    assert numbers(daemon.log("w").read_text())[-1] == 899


def test_a_broken_run_loses_nothing(reeve):
    """What a crash leaves behind: half of a compressed file, and both of one that was complete."""
    daemon = reeve({"w": flood(3000, MaxFiles=20)})
    daemon.wait_state("w")
    wait_lines(daemon, "w", 3000)
    folder = daemon.log("w").parent
    (folder / "77.packing").write_bytes(b"\x1f\x8b half of")
    first = put_aside(daemon, "w")[0]
    (folder / (first.name + ".gz")).write_bytes(gzip.compress(first.read_bytes()))
    daemon.write_pool("w", flood(3000, Compress="gzip", MaxFiles=20))
    daemon.ctl("reload")
    wait_seen(lambda: is_all_packed(daemon, "w"))
    text = b"".join(map(content, put_aside(daemon, "w"))) + daemon.log("w").read_bytes()
    assert not (folder / "77.packing").exists()
    assert numbers(text.decode())[:3000] == list(range(3000))
