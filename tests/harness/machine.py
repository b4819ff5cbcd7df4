"""A machine with a real systemd and an installed reeve, spoken to line by line (see with-systemd)"""

import json
import pathlib
import shlex
import subprocess
import tempfile

import reeve

HARNESS = pathlib.Path(__file__).resolve().parent / "with-systemd"
# Runs inside: a command a line, as JSON, answered by its exit code and its output.
AGENT = """
import json, subprocess, sys
for line in sys.stdin:
    done = subprocess.run(json.loads(line), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    print(json.dumps([done.returncode, done.stdout]), flush=True)
"""


def why_not():
    """Why there can be no such machine here; None: there can."""
    done = subprocess.run([HARNESS, "--probe"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip()


def install(folder):
    """What `meson install` puts on a machine, below a folder."""
    subprocess.run(["meson", "install", "-C", reeve.BUILD, "--no-rebuild", "--quiet",
                    "--destdir", folder], check=True, stdout=subprocess.DEVNULL)


class Agent:
    """Somebody inside who runs a command a line and answers; see AGENT."""

    process = None

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def complaint(self):
        """What else is worth knowing when a command fails."""
        return ""

    def run(self, *command, code=0):
        """What it says; code None: whatever its exit code."""
        status, output = self.ask(*command)
        if code is not None and status != code:
            raise AssertionError(f"{command} ended with {status}:\n{output}\n{self.complaint()}")
        return output

    def answer(self):
        answer = self.process.stdout.readline()
        assert answer, "the machine is gone"
        return json.loads(answer)

    def ask(self, *command):
        self.process.stdin.write(json.dumps([str(word) for word in command]) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def shell(self, script, code=0):
        return self.run("bash", "-c", script, code=code)

    def write(self, path, text):
        self.shell(f"mkdir -p $(dirname {path}) && printf %s {shlex.quote(text)} > {path}")


class Machine(Agent):
    def __init__(self, files, is_installed=True):
        """@files: {place: text or path of what is to lie there}; @is_installed: reeve is there"""
        self.folder = tempfile.TemporaryDirectory(prefix="machine-")
        tree = pathlib.Path(self.folder.name)
        tree.chmod(0o755)
        if is_installed:
            install(tree)
        copies = [f"{tree / top.name}:/{top.name}" for top in tree.iterdir()]
        for number, (place, content) in enumerate(files.items()):
            if isinstance(content, str):
                path = tree / f"file-{number}"
                path.write_text(content)
                content = path
            copies.append(f"{content}:{place}")
        arguments = [word for copy in copies for word in ("--copy", copy)]
        self.process = subprocess.Popen([HARNESS, *arguments, "--", "/usr/bin/python3", "-c", AGENT],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        super().close()
        self.folder.cleanup()

    def complaint(self):
        return self.ask("journalctl", "--no-pager", "-n", 60)[1]

    # ---- reeve in it ----

    def unit(self, name):
        """A property of the service."""
        return self.run("systemctl", "show", "reeved", "-P", name).strip()

    def drop_in(self, text):
        self.write("/run/systemd/system/reeved.service.d/test.conf", f"[Service]\n{text}\n")
        self.run("systemctl", "daemon-reload")

    def pids(self, pool):
        items = json.loads(self.run("reevectl", "ps", pool, "-o", "json"))["items"]
        return [item["pid"] for item in items if item["pid"]]

    def journal_end(self):
        return self.run("journalctl", "-n", 0, "--show-cursor").split("cursor: ")[-1].strip()

    def wait_journal(self, cursor, words):
        """Until a line with the words is logged after the cursor."""
        self.shell("timeout 60 grep -m 1 -F -e " + shlex.quote(words)
                   + " < <(exec journalctl -f --no-tail -o cat --after-cursor " + shlex.quote(cursor) + ")")

    def wait_in_journal(self, match, count):
        """Until so many entries match."""
        self.shell(f"timeout 60 bash -c 'until [ $(journalctl -q -o cat {match} | wc -l) -ge {count} ]; "
                   "do sleep .1; done'")

    def wait_kept(self, pool, count):
        """Until so many ready workers stand in the state that a crash leaves behind."""
        self.shell("timeout 60 bash -c 'until "
                   f"[ $(grep -c \"^worker {pool} .* state=ready \" /run/reeve/state) = {count} ]; do :; done'")

    def living(self, name):
        """Processes of that name."""
        return self.run("pgrep", "-x", name, code=None).split()
