"""A child that does what its handlers are told, to try the host with."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

# What no input can hold, or be sent as. EDGE is written by itself, and not with what is put around.
SHORT = {
    "$NUL": "\\u0000",
    '"$DEEP"': "[" * 300 + "]" * 300,
    '"$EDGE"': "[" * 252 + "]" * 252,
}
lock = threading.Lock()


def say(message, **more):
    line = (
        json.dumps({"jsonrpc": "2.0", **message}, **more) if isinstance(message, dict) else message
    )
    with lock:
        for short, long in SHORT.items():
            line = line.replace(short, long)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def run(id, params):
    given = params["task"]["input"]
    match params["handler"]:
        case "echo":
            say({"id": id, "result": {"outcome": "complete", "result": given}})
        case "pid":
            say({"id": id, "result": {"outcome": "complete", "result": os.getpid()}})
        case "trace":
            say({"id": id, "result": {"outcome": "complete", "result": params["trace"]}})
        case "adopt":  # what is started so holds our output, and is in no group of ours
            grandchild = subprocess.Popen(["sleep", "60"], start_new_session=True)
            say({"id": id, "result": {"outcome": "complete", "result": grandchild.pid}})
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
            say({**given, "params": {"run": params["run"], **given["params"]}})
            say({"id": id, "result": {"outcome": "complete", "result": None}})
        case "heard":  # the answer to what nobody waits for
            with answers:
                answers.wait_for(lambda: given in late)
                say({"id": id, "result": {"outcome": "complete", "result": late.pop(given)}})


holding, asked, late = {}, {}, {}
answers = threading.Condition()
names = [
    "echo",
    "pid",
    "trace",
    "adopt",
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
    "heard",
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
                told = {"level": "info", "message": params["reason"], "run": params["run"]}
                say({"method": "log", "params": told})
                say({"id": holding.pop(params["run"]), "result": {"outcome": "cancelled"}})
        case "ping" | "shutdown":
            say({"id": message["id"], "result": {}})
        case None:
            result = message.get("result", message.get("error"))
            if message["id"] not in asked:
                with answers:
                    late[message["id"]] = result
                    answers.notify_all()
                continue
            say(
                {
                    "id": asked.pop(message["id"]),
                    "result": {"outcome": "complete", "result": result},
                }
            )
