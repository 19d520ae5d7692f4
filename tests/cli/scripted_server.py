# SPDX-License-Identifier: MIT
"""A server that speaks OpenAI's chat protocol and answers by a script, for tests."""
import http.server
import json
import re
import socket
import struct
import threading


def hunk(search, replace):
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"


def knob_of(prompt):
    """A line that stands in every program's block."""
    return re.search(r"^#define \w+ \S+ // knob: .*$", prompt, re.M)[0]


def block_of(prompt):
    return re.search(r"^// EVOLVE-BLOCK-START\n(.*?)^// EVOLVE-BLOCK-END", prompt, re.M | re.S)[1]


def good(prompt, n, comment=""):
    knob = knob_of(prompt)
    return f"Name: mark {n}\nReason: to be seen\n" + hunk(knob, f"enum {{ MARK_{n} = {n} }};{comment}\n{knob}")


def message(text, **more):
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}}


class Server:
    """script(n, tries, question, handler) answers try number `tries` of question `n`, both from 0: it sends by itself
    and returns None, or gives the answer's words, or a whole answer as a dictionary."""

    def __init__(self, script):
        self.script, self.questions, self.tries, self.headers = script, [], [], []
        self.lock = threading.Lock()
        self.is_refused = False  # the last question was not answered: the same one again is another try
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def send(self, status, body, kind="application/json", **headers):
                server.is_refused = status >= 400
                self.send_response(status)
                self.send_header("Content-Type", kind)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, pieces, is_ended=True):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                for piece in pieces:
                    delta = {"choices": [{"index": 0, "delta": {"content": piece}}]}
                    self.wfile.write(b": a comment\n\ndata: " + json.dumps(delta).encode() + b"\n\n")
                if is_ended:
                    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}
                    self.wfile.write(b"data: " + json.dumps(usage).encode() + b"\n\ndata: [DONE]\n\n")
                self.wfile.flush()

            def reset(self):
                server.is_refused = True
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                question = json.loads(body)
                with server.lock:
                    server.headers.append((self.path, dict(self.headers)))
                    is_again = server.is_refused and server.questions[-1] == question
                    server.is_refused = False
                    if is_again:
                        server.tries[-1] += 1
                    else:
                        server.questions.append(question)
                        server.tries.append(0)
                    n, tries = len(server.questions) - 1, server.tries[-1]
                try:
                    answer = server.script(n, tries, question, self)
                    if isinstance(answer, str):
                        answer = message(answer)
                    if answer is not None:
                        self.send(200, json.dumps(answer).encode())
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def finish(self):
                try:
                    super().finish()
                except (OSError, ValueError):
                    pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
