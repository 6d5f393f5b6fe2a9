"""Stands in for the server of a cluster, so that kubectl itself can be tried without one.

Knows the Deployments and Services of manifests, answers that everything was created, and keeps
nothing. Writes a configuration for kubectl to the file named as its argument when it listens.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GROUPS = {
    "/api/v1": ("v1", {"services": "Service"}),
    "/apis/apps/v1": ("apps/v1", {"deployments": "Deployment"}),
}


def resources(version, kinds):
    listed = [
        {"name": name, "namespaced": True, "kind": kind, "verbs": ["create", "get", "patch"]}
        for name, kind in kinds.items()
    ]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": listed}


def specification(version, kinds):
    """Says that the server itself looks at the fields, so that kubectl leaves it to it."""
    group, _, number = version.rpartition("/")
    parameters = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
    paths = {}
    for name, kind in kinds.items():
        kind = {"group": group, "version": number, "kind": kind}
        patch = {"parameters": parameters, "x-kubernetes-group-version-kind": kind}
        paths[f"/namespaces/{{namespace}}/{name}/{{name}}"] = {"patch": patch}
    info = {"title": "stand-in", "version": "1"}
    return {"openapi": "3.0.0", "info": info, "paths": paths}


def groups():
    version = {"groupVersion": "apps/v1", "version": "v1"}
    group = {"name": "apps", "versions": [version], "preferredVersion": version}
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/api":
            self.answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        elif path == "/apis":
            self.answer(200, groups())
        elif path in GROUPS:
            self.answer(200, resources(*GROUPS[path]))
        elif path == "/openapi/v3":
            urls = {name: {"serverRelativeURL": f"/openapi/v3{name}"} for name in GROUPS}
            self.answer(200, {"paths": {name.lstrip("/"): url for name, url in urls.items()}})
        elif path.removeprefix("/openapi/v3") in GROUPS:
            self.answer(200, specification(*GROUPS[path.removeprefix("/openapi/v3")]))
        else:
            failure = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
            self.answer(404, failure | {"reason": "NotFound", "code": 404})

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.answer(201, json.loads(self.rfile.read(length)))

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    address = f"http://127.0.0.1:{server.server_port}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stand-in", "cluster": {"server": address}}],
        "contexts": [{"name": "stand-in", "context": {"cluster": "stand-in", "user": ""}}],
        "current-context": "stand-in",
    }
    unfinished = sys.argv[1] + ".unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump(config, file)
    os.rename(unfinished, sys.argv[1])
    server.serve_forever()


main()
