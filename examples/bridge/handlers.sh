#!/bin/sh
# Handlers in POSIX shell and jq: the minimal profile of the bridge protocol (docs/bridge-protocol.md, section 9).
# One line in, one line out. A handler is a function that reads the request on its standard input, prints an outcome, and
# logs to standard error.

echo_() { jq -c '{outcome: "complete", result: .params.task.input}'; }
retry() { printf '%s\n' '{"outcome":"retry","error":{"type":"Busy","message":"again"},"delay":1.5}'; }
give_up() { printf '%s\n' '{"outcome":"error","error":{"type":"Hopeless","message":"never"}}'; }
print() { echo "a line for the log" >&2; printf '%s\n' '{"outcome":"complete","result":null}'; }
crash() { false; }

handlers='[{"name":"echo"},{"name":"retry"},{"name":"give_up"},{"name":"print"},{"name":"crash"}]'

answer() { # ID RESULT, both JSON
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$1" "$2"
}

refuse() { # ID CODE MESSAGE
    printf '{"jsonrpc":"2.0","id":%s,"error":{"code":%s,"message":"%s"}}\n' "$1" "$2" "$3"
}

begin() { # ID
    if [ -n "$begun" ]; then
        refuse "$1" -32600 "initialize was here already"
    elif printf '%s\n' "$line" | jq -e '.params.protocol | index("1.0")' >/dev/null; then
        answer "$1" '{"protocol":"1.0","concurrency":1,"ping":false,"child":{"language":"sh"},"handlers":'"$handlers"'}'
        begun=yes
    else
        refuse "$1" -32001 "only protocol 1.0 is spoken here"
        exit 1
    fi
}

execute() { # ID HANDLER
    if ! printf '%s\n' "$line" | jq -e '.params | has("run") and has("task") and has("step")' >/dev/null; then
        refuse "$1" -32602 "run, task and step are needed"
        return
    fi
    case $2 in
        echo) run=echo_ ;;
        retry | give_up | print | crash) run=$2 ;;
        *) refuse "$1" -32601 "there is no such handler"; return ;;
    esac
    if outcome=$(printf '%s\n' "$line" | "$run"); then
        answer "$1" "$outcome"
    else
        answer "$1" '{"outcome":"retry","error":{"type":"ExitStatus","message":"the handler failed"}}'
    fi
}

serve() { # ID METHOD HANDLER
    case $begun$2 in
        yesexecute) execute "$1" "$3" ;;
        yesshutdown) answer "$1" '{}' ;;
        yes*) refuse "$1" -32601 "there is no such method" ;;
        *) refuse "$1" -32600 "initialize comes first" ;;
    esac
}

begun=
while IFS= read -r line; do
    line=$(printf '%s' "$line" | tr -d '\r')
    [ -n "$line" ] || continue
    # What kind of message it is, its id, its method and its handler, a line each.
    if ! facts=$(printf '%s\n' "$line" | jq -r '
        if type != "object" or .jsonrpc != "2.0" or (.method | type) != "string" then "broken" else
        (if has("id") then "request" else "notification" end), (.id | tojson), .method, (.params.handler? // "" | tostring) end
        ' 2>/dev/null); then
        refuse null -32700 "this is no JSON"
        continue
    fi
    { read -r kind; read -r id; read -r method; read -r handler; } <<EOF
$facts
EOF
    case "$kind $method" in
        broken*) refuse null -32600 "this is no message" ;;
        notification*) ;;
        *" initialize") begin "$id" ;;
        *) serve "$id" "$method" "$handler" ;;
    esac
done
