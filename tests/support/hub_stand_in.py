"""A model hub on this machine: what pushing a folder and loading it again take of its HTTP interface.

Large files come by Git LFS, as from clients without Xet, which needs a store of its own and is not here.
"""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_stand_in"


class Hub(ThreadingHTTPServer):
    """Repositories in memory, each a list of commits: ``{path: content}``."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.repositories, self.private, self.large, self.asked = {}, {}, {}, []
        self.takes_large_files = True

    def files(self, name):
        return self.repositories[name][-1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"POST {self.path}")
        if self.path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer({"error": "Invalid credentials in Authorization header"}, 401)
        if self.path == "/api/repos/create":
            return self.create(json.loads(body))
        if found := re.fullmatch(r"/api/models/(.+)/preupload/main", self.path):
            return self.answer({"files": [self.how(file) for file in json.loads(body)["files"]]})
        if found := re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", self.path):
            return self.answer(
                {"transfer": "basic", "objects": list(map(self.where, json.loads(body)["objects"]))}
            )
        if found := re.fullmatch(r"/api/models/(.+)/commit/main", self.path):
            return self.commit(found[1], [json.loads(line) for line in body.splitlines()])
        return self.answer({"error": "not here"}, 404)

    def create(self, asked):
        name = (
            f"{asked['organization']}/{asked['name']}"
            if asked.get("organization")
            else asked["name"]
        )
        if not name.startswith("me/"):
            return self.answer({"error": f"You don't have the rights to create {name}"}, 403)
        known = name in self.server.repositories
        self.server.repositories.setdefault(name, [])
        self.server.private.setdefault(
            name, asked.get("private") or asked.get("visibility") == "private"
        )
        return self.answer({"url": f"{self.server.address}/{name}"}, 409 if known else 200)

    def how(self, file):
        large = self.server.takes_large_files and file["path"].endswith(".safetensors")
        return {
            "path": file["path"],
            "uploadMode": "lfs" if large else "regular",
            "shouldIgnore": False,
        }

    def where(self, item):
        upload = {"href": f"{self.server.address}/large/{item['oid']}"}
        return {**item, "actions": {"upload": upload}}

    def do_PUT(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.large[hashlib.sha256(content).hexdigest()] = content
        self.answer({})

    def commit(self, name, lines):
        commits = self.server.repositories[name]
        files = dict(commits[-1]) if commits else {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.large[value["oid"]]
        commits.append(files)
        address = f"{self.server.address}/{name}/commit/{self.number(commits, len(commits))}"
        self.answer(
            {"success": True, "commitUrl": address, "commitOid": self.number(commits, len(commits))}
        )

    @staticmethod
    def number(commits, count):
        return hashlib.sha1(f"{count}".encode()).hexdigest()

    def do_HEAD(self):
        self.do_GET(body=False)

    def do_GET(self, body=True):
        self.server.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        found = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(?:revision|tree)/([^/]+))?", path)
        found = found or re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if not found or not self.may_see(found[1]):
            return self.answer(
                {"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"}
            )
        commits = self.server.repositories[found[1]]
        numbers = [self.number(commits, count) for count in range(1, len(commits) + 1)]
        revision = found[2] or "main"
        if revision not in ("main", *numbers):
            return self.answer(
                {"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"}
            )
        at = -1 if revision == "main" else numbers.index(revision)
        files, number = commits[at], numbers[at]
        if "/resolve/" in path:
            return self.send(files, found[3], number, body)
        if "/tree/" in path:
            rows = [
                {"type": "file", "path": name, "size": len(files[name]), "oid": number}
                for name in files
            ]
            return self.answer(rows)
        siblings = [{"rfilename": name} for name in files]
        return self.answer(
            {"id": found[1], "modelId": found[1], "sha": number, "siblings": siblings}
        )

    def may_see(self, name):
        if name not in self.server.repositories:
            return False
        return (
            not self.server.private[name] or self.headers.get("Authorization") == f"Bearer {TOKEN}"
        )

    def send(self, files, name, number, body):
        if name not in files:
            return self.answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        content = files[name]
        self.send_response(200)
        self.send_header("X-Repo-Commit", number)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def answer(self, content, status=200, headers=()):
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
