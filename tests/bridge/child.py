"""A child that does what its handlers are told, to try the host with."""

import json
import os
import signal
import sys
import threading
import time

lock = threading.Lock()


def say(message, **more):
    line = (
        json.dumps({"jsonrpc": "2.0", **message}, **more) if isinstance(message, dict) else message
    )
    with lock:
        sys.stdout.write(line.replace("$NUL", "\\u0000") + "\n")
        sys.stdout.flush()


def run(id, params):
    given = params["task"]["input"]
    match params["handler"]:
        case "echo":
            say({"id": id, "result": {"outcome": "complete", "result": given}})
        case "pid":
            say({"id": id, "result": {"outcome": "complete", "result": os.getpid()}})
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "curse":
            print("the card of another", file=sys.stderr, flush=True)
            os._exit(3)
        case "babble":
            say("this is no JSON")
        case "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "hold":
            holding[params["run"]] = id
        case "stubborn":
            time.sleep(600)
        case "odd":
            say({"id": id, "result": given})
        case "error":
            say({"id": id, "error": given})
        case "ask":
            asked[given["id"]] = id
            say(
                {
                    "id": given["id"],
                    "method": given["method"],
                    "params": {"run": params["run"], **given["params"]},
                }
            )
        case "tell":
            say({"method": given["method"], "params": {"run": params["run"], **given["params"]}})
            say({"id": id, "result": {"outcome": "complete", "result": None}})


holding, asked = {}, {}
names = [
    "echo",
    "pid",
    "die",
    "babble",
    "curse",
    "freeze",
    "hold",
    "stubborn",
    "odd",
    "error",
    "ask",
    "tell",
]
print("the child begins", file=sys.stderr, flush=True)
for line in sys.stdin:
    message = json.loads(line)
    params = message.get("params", {})
    match message.get("method"):
        case "initialize":
            answer = {
                "protocol": "1.0",
                "concurrency": 5,
                "handlers": [{"name": name} for name in names],
            }
            answer |= json.loads(os.environ.get("CHILD_SAYS", "{}"))
            say({"id": message["id"], "result": answer})
        case "execute":
            threading.Thread(target=run, args=(message["id"], params), daemon=True).start()
        case "cancel":
            if params["run"] in holding:
                say({"id": holding.pop(params["run"]), "result": {"outcome": "cancelled"}})
        case "ping" | "shutdown":
            say({"id": message["id"], "result": {}})
        case None:
            result = message.get("result", message.get("error"))
            say(
                {
                    "id": asked.pop(message["id"]),
                    "result": {"outcome": "complete", "result": result},
                }
            )
