package main

// What a run is given, what it can do, and what it comes to.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

type run struct {
	Name    string `json:"run"`
	Handler string `json:"handler"`
	Task    *struct {
		ID    string          `json:"id"`
		Input json.RawMessage `json:"input"`
	} `json:"task"`
	Step *struct {
		Attempt        int    `json:"attempt"`
		IdempotencyKey string `json:"idempotency_key"`
	} `json:"step"`
	Results map[string]json.RawMessage `json:"results"`
	Saved   map[string]json.RawMessage `json:"saved"`

	id     json.RawMessage // of the request that it answers
	ctx    context.Context // is done when the run should stop
	cancel context.CancelFunc
	child  *child
}

// failure is an error that says what is to become of the step. Any other error is one that may pass.
type failure struct {
	Type      string `json:"type"`
	Message   string `json:"message"`
	permanent bool
	delay     float64 // seconds; 0 is the step's own backoff
}

func (failed *failure) Error() string { return failed.Message }

// suspended leaves the handler. It runs again from its beginning when the wait is over.
type suspended struct{ wait map[string]any }

func (*suspended) Error() string { return "the run has to wait" }

func (run *run) progress(done, total float64, note string) {
	params := map[string]any{"run": run.Name, "done": done, "total": total, "note": note}
	run.child.lock.Lock()
	defer run.child.lock.Unlock()
	run.child.write(map[string]any{"method": "progress", "params": params})
}

// once calls a function once for all runs of the step: the next one finds what it gave.
func (run *run) once(name string, call func() (any, error)) (any, error) {
	key := "run:" + name
	if saved, found := run.Saved[key]; found {
		return saved, nil
	}
	value, err := call()
	if err != nil {
		return nil, err
	}
	var answer struct{ Saved bool }
	if err := run.ask("checkpoint", map[string]any{"name": key, "value": value}, &answer); err != nil {
		return nil, err
	}
	if !answer.Saved {
		return nil, &failure{Type: "LeaseLost", Message: name + " was not saved"}
	}
	return value, nil
}

func (run *run) sleep(name string, duration time.Duration) error {
	key := "sleep:" + name
	if _, over := run.Saved[key]; over {
		return nil
	}
	return &suspended{map[string]any{"name": key, "seconds": duration.Seconds()}}
}

func (run *run) waitEvent(name string, limit time.Duration) (any, error) {
	key := "event:" + name
	saved, over := run.Saved[key]
	if !over {
		return nil, &suspended{map[string]any{"name": key, "event": name, "seconds": limit.Seconds()}}
	}
	var came struct{ Event json.RawMessage }
	if json.Unmarshal(saved, &came) != nil || came.Event == nil {
		return nil, &failure{Type: "EventTimedOut", Message: "event " + name + " did not come in time", permanent: true}
	}
	return came.Event, nil
}

func (run *run) startTask(name, template string, input any) (string, error) {
	if saved, found := run.Saved["start:"+name]; found {
		var task string
		return task, json.Unmarshal(saved, &task)
	}
	var answer struct {
		Task *string `json:"task_id"`
	}
	err := run.ask("start_task", map[string]any{"name": name, "template": template, "input": input}, &answer)
	if err == nil && answer.Task == nil {
		err = &failure{Type: "LeaseLost", Message: name + " was not started"}
	}
	if err != nil {
		return "", err
	}
	return *answer.Task, nil
}

func (run *run) waitTask(name, task string) (any, error) {
	key := "task:" + name
	saved, over := run.Saved[key]
	if !over {
		return nil, &suspended{map[string]any{"name": key, "task": task}}
	}
	var end struct {
		State  string
		Result json.RawMessage
	}
	if err := json.Unmarshal(saved, &end); err != nil {
		return nil, err
	}
	if end.State != "complete" && end.State != "resolved_manually" {
		return nil, &failure{Type: "TaskFailed", Message: "the child task did not complete", permanent: true}
	}
	return end.Result, nil
}

// ask sends a request about this run, and waits for the answer.
func (run *run) ask(method string, params map[string]any, answer any) error {
	params["run"] = run.Name
	answered := make(chan message, 1)
	if err := run.child.request(method, params, answered); err != nil {
		return &failure{Type: "ContractError", Message: err.Error(), permanent: true}
	}
	select {
	case <-run.ctx.Done():
		return run.ctx.Err()
	case said := <-answered:
		if said.Error != nil {
			return &failure{Type: "BridgeError", Message: said.Error.Message, permanent: said.Error.Code == badParams}
		}
		return json.Unmarshal(said.Result, answer)
	}
}

// outcome is what a run came to.
func (run *run) outcome() (came map[string]any) {
	defer func() {
		if panicked := recover(); panicked != nil {
			came = map[string]any{"outcome": "retry", "error": failure{Type: "Panic", Message: fmt.Sprint(panicked)}}
		}
	}()
	result, err := handlers[run.Handler](run)
	var waits *suspended
	var failed *failure
	switch {
	case err == nil:
		return map[string]any{"outcome": "complete", "result": result}
	case run.ctx.Err() != nil:
		return map[string]any{"outcome": "cancelled"}
	case errors.As(err, &waits):
		return map[string]any{"outcome": "wait", "wait": waits.wait}
	case !errors.As(err, &failed):
		failed = &failure{Type: fmt.Sprintf("%T", err), Message: err.Error()}
	}
	came = map[string]any{"outcome": "retry", "error": failed}
	if failed.permanent {
		came["outcome"] = "error"
	}
	if failed.delay > 0 {
		came["delay"] = failed.delay
	}
	return came
}
