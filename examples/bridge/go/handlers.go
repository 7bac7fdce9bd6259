// Handlers in Go, with nothing but its standard library: the whole of the bridge protocol (docs/bridge-protocol.md).
//
//	go build -o handlers .
//	tasker worker --exec ./handlers --templates order.yaml
//
// Each run is a goroutine. A handler is a function that returns a value or an error; what has to wait, and what the
// worker is asked for, are methods of its run (run.go). Reading and answering is in child.go.
package main

import (
	"fmt"
	"time"
)

type handler func(run *run) (any, error)

var handlers = map[string]handler{
	"echo":    func(run *run) (any, error) { return run.Task.Input, nil },
	"print":   func(run *run) (any, error) { fmt.Println("a line for the log"); return nil, nil },
	"retry":   func(run *run) (any, error) { return nil, &failure{Type: "Busy", Message: "again", delay: 1.5} },
	"give_up": func(run *run) (any, error) { return nil, &failure{Type: "Hopeless", Message: "never", permanent: true} },
	"crash":   func(run *run) (any, error) { panic("something is wrong") },
	"hang":    func(run *run) (any, error) { <-run.ctx.Done(); return nil, run.ctx.Err() },
	"report":  func(run *run) (any, error) { run.progress(1, 2, "half"); return nil, nil },
	"remember": func(run *run) (any, error) {
		return run.once("once", func() (any, error) { return 42, nil })
	},
	"nap": func(run *run) (any, error) {
		if err := run.sleep("1", time.Minute); err != nil {
			return nil, err
		}
		return "rested", nil
	},
	"listen": func(run *run) (any, error) { return run.waitEvent("paid", time.Minute) },
	"parent": func(run *run) (any, error) {
		task, err := run.startTask("kid", "kit/other", map[string]any{"a": 1})
		if err != nil {
			return nil, err
		}
		return run.waitTask("kid", task)
	},
}
